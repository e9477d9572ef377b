"""The draft as a diff, the guard's findings, and publishing: asked for, followed step by step, approved, called off."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from livepin.core.guard import Rule
from livepin.server.actions import checks, drafts, projects, publishes
from livepin.server.web.changes import lines_of
from livepin.server.web.findings import said
from livepin.server.web.forms import refusals
from livepin.server.web.visitor import actor, guarded, page

#: How long the request that asks for a publish waits for it, in seconds; the page follows from then on.
_WAIT = 4.0
#: What a publish goes through, for people; the names are those of `delivery.Step`.
_STEPS = {
    "check": "the guard looks at every host as an application would",
    "adopt": "what origins have and this server has not is taken into account",
    "sign": "the next number is given, and the document signed",
    "write": "the document is put on every origin under its number, for ever",
    "read back": "it is read from there again, and verified as an application would",
    "point": "the file that applications fetch becomes this document",
    "confirm": "it is seen through the public URL",
}


class Ask(forms.Form):
    """How to publish. Reasons for overrides are fields of their own, one a rule."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    key = forms.CharField(widget=forms.HiddenInput, max_length=100)
    note = forms.CharField(max_length=500, required=False, help_text="For the history: what this publish is for.")
    scheduled_for = forms.DateTimeField(required=False, label="Not before (UTC)", help_text="Empty: now.")


class Signature(forms.Form):
    """What an own key made over the signing input."""

    signature = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}), max_length=20_000_000, label="JWS or signature"
    )


@page
def draft(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    """What publishing would change; with a POST also what the guard says to it."""
    found = projects.read(actor(request), organization, project)
    version = drafts.version(actor(request), organization, project)
    context: dict[str, Any] = {"organization": found.organization, "project": found, "version": version}
    if request.method == "POST":
        seen = checks.preview(actor(request), organization, project, _overrides(request))
        form = Ask(initial={"version": seen.version, "key": f"page {uuid4()}"})
        findings = checks.as_json(seen.settlement)
        context |= {
            "checked": True,
            "findings": said(organization, project, findings),
            "ask": form,
            "changes": lines_of(seen.changes),
        }
        context |= {"open": bool(seen.settlement.open), "rules": _rules(findings, request)}
    else:
        context["changes"] = lines_of(checks.diff(actor(request), organization, project))
    return render(request, "livepin/draft.html", context)


def _overrides(request: HttpRequest) -> dict[str, str]:
    given = {rule.value: request.POST.get(f"override-{rule.value}", "").strip() for rule in Rule if rule.overridable}
    return {rule: reason for rule, reason in given.items() if reason}


def _rules(findings: list[dict[str, Any]], request: HttpRequest) -> list[tuple[str, str]]:
    """The rules that stand in the way and can be overridden, with the reasons that were given already."""
    named = {one["rule"] for one in findings if one["state"] != "warning"}
    known = _overrides(request)
    return [(rule.value, known.get(rule.value, "")) for rule in Rule if rule.value in named and rule.overridable]


@guarded
@require_POST
def ask(request: HttpRequest, organization: str, project: str) -> HttpResponseBase:
    """Ask for the draft to be published."""
    form = Ask(request.POST)
    if not form.is_valid():
        messages.error(request, "The publish was not asked for: " + "; ".join(str(one) for one in form.errors.values()))
        return redirect("draft", organization, project)
    given = form.cleaned_data
    wish = publishes.Wish(_overrides(request), given["note"], given["scheduled_for"], given["version"], given["key"])
    asked = publishes.start(actor(request), organization, project, wish)
    publishes.wait(actor(request), organization, project, str(asked.id), _WAIT)
    return redirect("publish", organization, project, asked.id)


@page
def index(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    """The publishes of a project, the newest first."""
    found = projects.read(actor(request), organization, project)
    before = _moment(request.GET.get("before", ""))
    rows = publishes.listed(actor(request), organization, project, before, 31)
    context = {"organization": found.organization, "project": found, "publishes": rows[:30], "more": len(rows) > 30}
    return render(request, "livepin/publishes.html", context)


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


@page
def show(request: HttpRequest, organization: str, project: str, publish: UUID) -> HttpResponse:
    """One publish, step by step; the page follows while it goes on."""
    found = projects.read(actor(request), organization, project)
    row = publishes.read(actor(request), organization, project, str(publish))
    form = Signature(request.POST or None) if row.state == "unsigned" else None
    if request.method == "POST" and form is not None and form.is_valid():
        with refusals(form):
            answer = form.cleaned_data["signature"].strip().encode("ascii", "replace")
            publishes.bring(actor(request), organization, project, str(publish), answer)
            publishes.wait(actor(request), organization, project, str(publish), _WAIT)
            return redirect("publish", organization, project, publish)
    done = {one.step for one in row.steps.all()}
    context = {
        "organization": found.organization,
        "project": found,
        "publish": row,
        # What somebody agrees to, signs or tries again is what was frozen when it was asked for, not the draft.
        "waits": (waits := row.payload is not None and row.state in ("waiting", "unsigned", "failed")),
        "changes": lines_of(publishes.changes(actor(request), organization, project, str(publish))) if waits else [],
        "going_on": row.state in ("checking", "publishing"),
        "steps": _progress(row.state, done),
        "findings": said(organization, project, row.findings),
        "approvals": row.approvals.count() + 1,
        "mine": row.asked_by_id == request.user.pk,
        "form": form,
    }
    return render(request, "livepin/publish.html", context)


def _progress(state: str, done: set[str]) -> list[tuple[str, str, str]]:
    """Each step with what it is and whether it is done, refused, failed or going on."""
    at_rest = {"refused": "refused", "failed": "failed", "checking": "now", "publishing": "now"}
    rows, reached = [], False
    for name, about in _STEPS.items():
        if state == "refused" and name == "check":
            how, reached = "refused", True
        elif name in done:
            how = "done"
        else:
            how, reached = ("", True) if reached else (at_rest.get(state, ""), True)
        rows.append((name, about, how))
    return rows


@page
def signing_input(request: HttpRequest, organization: str, project: str, publish: UUID) -> HttpResponse:
    """The signing input as a file, for the machine that holds the key."""
    text = publishes.signing_input(actor(request), organization, project, str(publish))
    disposition = {"Content-Disposition": f'attachment; filename="{publish}.signing-input"'}
    return HttpResponse(text, content_type="text/plain", headers=disposition)


@guarded
@require_POST
def answer(request: HttpRequest, organization: str, project: str, publish: UUID) -> HttpResponseBase:
    """Approve a publish, call it off or try it again."""
    acts = {"approve": publishes.approve, "cancel": publishes.cancel, "retry": publishes.retry}
    for name, act in acts.items():
        if name in request.POST:
            act(actor(request), organization, project, str(publish))
            publishes.wait(actor(request), organization, project, str(publish), _WAIT)
    return redirect("publish", organization, project, publish)
