"""Adding a host: look at what it serves, choose pins, with a backup proposed, and stage it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from livepin.author.digests import typed_digest
from livepin.author.draft import HostEntry, PinEntry
from livepin.errors import LivepinError
from livepin.server.actions import hosts, looks, projects
from livepin.server.web.forms import Lines, at, refusals, refuse
from livepin.server.web.policies import MAX_PEM, digest_of
from livepin.server.web.visitor import actor, page

#: What a new pin holds, unless somebody says otherwise on the host's page.
_MEMBER = "spki_sha256"


class Place(forms.Form):
    """Which host, and where it can be looked at."""

    pattern = forms.CharField(
        max_length=260,
        label="Host",
        help_text="<code>api.example.com</code>, <code>*.example.com</code> (one label more) or "
        "<code>**.example.com</code> (the name itself and any depth below).",
    )
    place = forms.CharField(
        max_length=260,
        required=False,
        label="Look at",
        help_text="HOST or HOST:PORT. Empty: the host itself, port 443.",
    )
    action = forms.ChoiceField(
        choices=(
            ("report", "report: tell of what does not match, refuse nothing"),
            ("enforce", "enforce: refuse what does not match"),
        ),
        help_text="Start with report where the service is not yours alone.",
    )


class Choice(forms.Form):
    """Which pins: of the certificates that were seen, of others that are pasted or typed, and of a backup key."""

    pattern = forms.CharField(widget=forms.HiddenInput)
    place = forms.CharField(widget=forms.HiddenInput, required=False)
    action = forms.CharField(widget=forms.HiddenInput)
    pem = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        required=False,
        max_length=MAX_PEM,
        label="Certificate or public key (PEM)",
    )
    file = forms.FileField(required=False, label="… or a file with one")
    digests = Lines(label="… or SPKI SHA-256 digests", help_text="In Base64 or hexadecimal, one a line.")
    backup = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
        required=False,
        max_length=100_000,
        label="Public key of a backup (PEM)",
        help_text="A second key, kept elsewhere, that the service can change to. Make one with "
        "<code>openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out backup.pem</code> and paste what "
        "<code>openssl pkey -in backup.pem -pubout</code> prints.",
    )


@page
def new(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    """Both steps: which host, then which pins."""
    found = projects.read(actor(request), organization, project)
    context: dict[str, Any] = {"organization": found.organization, "project": found}
    if request.method != "POST":
        return render(request, "livepin/host_new.html", {**context, "form": Place()})
    form = Place(request.POST)
    if not form.is_valid():
        return render(request, "livepin/host_new.html", {**context, "form": form})
    if "chosen" in request.POST:
        return _stage(request, organization, project, context)
    try:
        pattern = hosts.normal_pattern(form.cleaned_data["pattern"])
        seen: tuple[looks.Seen, ...] = ()
        if "blind" not in request.POST:
            seen = looks.discover(actor(request), organization, project, _place(pattern, form.cleaned_data["place"]))
    except LivepinError as error:
        refuse(form, error)
        return render(request, "livepin/host_new.html", {**context, "form": form})
    choice = Choice(initial={**form.cleaned_data, "pattern": pattern})
    context |= {"seen": seen, "offers": _offers(seen), "form": choice, "pattern": pattern}
    return render(request, "livepin/host_choose.html", context)


def _place(pattern: str, place: str) -> str:
    return place or pattern.lstrip("*").lstrip(".")


def _offers(seen: tuple[looks.Seen, ...]) -> list[dict[str, Any]]:
    """Each certificate once, leaves first; what is ticked to begin with is the leaf of every address."""
    offers: dict[tuple[str, str], dict[str, Any]] = {}
    for one in seen:
        for proposed in one.chain:
            pin = proposed.pin
            row = {"certificate": proposed.certificate, "pin": pin, "ticked": pin.position == "leaf"}
            offers.setdefault((pin.position, pin.digest), row)
    return sorted(offers.values(), key=lambda row: row["pin"].position != "leaf")


def _stage(request: HttpRequest, organization: str, project: str, context: dict[str, Any]) -> HttpResponse:
    choice = Choice(request.POST, request.FILES)
    if choice.is_valid():
        with refusals(choice):
            hosts.put(actor(request), organization, project, None, _entry(request, choice))
            return redirect("draft", organization, project)
    context |= {"form": choice, "offers": _posted(request), "pattern": choice.data.get("pattern", ""), "seen": ()}
    return render(request, "livepin/host_choose.html", context)


def _posted(request: HttpRequest) -> list[dict[str, Any]]:
    """What was ticked, so that a fault beside it loses nothing."""
    return [{"certificate": None, "pin": pin, "ticked": True} for pin in _chosen(request)]


def _chosen(request: HttpRequest) -> list[PinEntry]:
    pins = []
    for text in request.POST.getlist("pin"):
        position, _, digest = text.partition(" ")
        pins.append(PinEntry(_MEMBER, digest, position, source="live"))
    return pins


def _entry(request: HttpRequest, choice: Choice) -> HostEntry:
    given, pins = choice.cleaned_data, [*_chosen(request), *_others(choice.cleaned_data)]
    if given["backup"].strip():
        with at("backup"):
            digest = digest_of(given["backup"], _MEMBER)
        pins.append(PinEntry(_MEMBER, digest, "leaf", note="backup", source="backup"))
    entry = HostEntry(given["pattern"], given["action"], tuple(pins) or None)
    return replace(entry, look_at=(given["place"],)) if given["place"] else entry


def _others(given: dict[str, Any]) -> Iterator[PinEntry]:
    """Pins that no look proposed: pasted, uploaded, typed."""
    file = given["file"]
    texts = {"pem": given["pem"], "file": file.read(MAX_PEM).decode("latin-1") if file else ""}
    for where, text in texts.items():
        if text.strip():
            with at(where):
                yield PinEntry(_MEMBER, digest_of(text, _MEMBER), "leaf", source="pem")
    for text in given["digests"]:
        with at("digests"):
            yield PinEntry(_MEMBER, typed_digest(text, _MEMBER), "leaf", source="typed")
