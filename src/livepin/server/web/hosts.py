"""Hosts of a draft: the list, a host with its policy and pins, and adding or removing either."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from livepin.author.draft import HostEntry, PinEntry
from livepin.author.names import readable
from livepin.server.actions import hosts, looks, projects
from livepin.server.web.forms import refusals
from livepin.server.web.policies import NewPin, Policy
from livepin.server.web.visitor import actor, page

_PAGE = 50


class Removal(forms.Form):
    """What is removed, from which version of the draft."""

    version = forms.IntegerField()
    digest = forms.CharField(required=False)


@page
def index(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    """Some hosts of the draft, in the order of their patterns."""
    found = projects.read(actor(request), organization, project)
    after, like = request.GET.get("after", ""), request.GET.get("like", "").strip().lower()
    shown = hosts.listed(actor(request), organization, project, after, _PAGE, like)
    seen = looks.of_hosts(actor(request), organization, project, [one.host for one in shown.hosts])
    context = {
        "organization": found.organization,
        "project": found,
        "page": shown,
        "after": after,
        "like": like,
        "rows": [(one, readable(one.host), sight_of(seen.get(one.host, ()), one)) for one in shown.hosts],
    }
    return render(request, "livepin/hosts.html", context)


@page
def host(request: HttpRequest, organization: str, project: str, pattern: str) -> HttpResponse:
    """One host: its pins, what it serves, its policy as a form."""
    found = projects.read(actor(request), organization, project)
    entry, version = hosts.read(actor(request), organization, project, pattern)
    form = Policy(request.POST) if request.method == "POST" else Policy.of(entry, version)
    if request.method == "POST" and form.is_valid():
        changed = form.entry(pattern, entry.pins)
        with refusals(form):
            hosts.put(actor(request), organization, project, form.cleaned_data["version"], changed)
            messages.success(request, f"The policy of {pattern} is staged. Nothing is published by this.")
            return redirect("host", organization, project, pattern)
        if form.overtaken:
            form.renew(version, Policy.of(entry, version).initial)
    seen = looks.listed(actor(request), organization, project, pattern)
    served = [(one, certificates_of(one.chain, entry)) for one in seen]
    context = {
        "organization": found.organization,
        "project": found,
        "host": entry,
        "name": readable(pattern),
        "version": version,
        "form": form,
        "looks": [(one, certificates, judged(certificates, entry)) for one, certificates in served],
    }
    return render(request, "livepin/host.html", context)


def certificates_of(chain: Sequence[Mapping[str, Any]], entry: HostEntry) -> list[dict[str, Any]]:
    """The certificates of a chain, the leaf first, each with the pin that it matches, if any."""
    return [{**one, "pin": _pin_for(one, "ca" if number else "leaf", entry)} for number, one in enumerate(chain)]


def judged(certificates: Sequence[Mapping[str, Any]], entry: HostEntry) -> bool | None:
    """Whether an active pin of the draft matches what is served; None where there is nothing to say."""
    if not certificates or entry.pins is None:
        return None
    return any(one["pin"] is not None for one in certificates)


@dataclass(frozen=True, slots=True)
class Sight:
    """What the last look at a host's addresses saw, the worst of it. `ends_at`: of the leaf that ends first."""

    words: str
    colour: str
    ends_at: int | None


def sight_of(seen: Sequence[Any], entry: HostEntry) -> Sight:
    """A host as it was seen last, in a word. `seen`: looks."""
    ends_at = min((one.not_after for one in seen if one.not_after is not None), default=None)
    if not seen:
        return Sight("not looked at yet", "", None)
    if any(judged(certificates_of(one.chain, entry), entry) is False for one in seen):
        return Sight("no pin matches", "bad", ends_at)
    if any(not one.chain for one in seen):
        return Sight("not reached", "bad", ends_at)
    if any(one.problem for one in seen):
        return Sight("not trusted", "warn", ends_at)
    return Sight("trusted" if entry.pins is None else "pins match", "good", ends_at)


def _pin_for(certificate: Mapping[str, Any], position: str, entry: HostEntry) -> PinEntry | None:
    now = timezone.now().timestamp()
    fitting = (pin for pin in entry.pins or () if pin.position in (position, "any") and _active(pin, now))
    return next((pin for pin in fitting if certificate["digests"].get(pin.member) == pin.digest), None)


def _active(pin: PinEntry, now: float) -> bool:
    return (pin.start is None or pin.start <= now) and (pin.end is None or now < pin.end)


@page
@require_POST
def look(request: HttpRequest, organization: str, project: str, pattern: str) -> HttpResponseBase:
    """Look at what a host serves now."""
    looks.refresh(actor(request), organization, project, pattern)
    return redirect(f"{reverse('host', args=(organization, project, pattern))}#served")


@page
@require_POST
def remove(request: HttpRequest, organization: str, project: str, pattern: str) -> HttpResponseBase:
    """Remove a host from the draft."""
    form = Removal(request.POST)
    if form.is_valid():
        hosts.remove(actor(request), organization, project, form.cleaned_data["version"], pattern)
        messages.success(request, f"{pattern} is removed from the draft. What is published stays until you publish.")
    return redirect("hosts", organization, project)


@page
def add_pin(request: HttpRequest, organization: str, project: str, pattern: str) -> HttpResponse:
    """Add a pin by its digest or by a certificate."""
    found = projects.read(actor(request), organization, project)
    entry, version = hosts.read(actor(request), organization, project, pattern)
    form = NewPin(request.POST or None, request.FILES or None, initial={"version": version, "position": "leaf"})
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            given = form.cleaned_data["version"]
            hosts.add_pins(actor(request), organization, project, given, pattern, (form.entry(),))
            messages.success(request, "The pin is staged. Nothing is published by this.")
            return redirect("host", organization, project, pattern)
        if form.overtaken:
            form.renew(version, {})
    context = {"organization": found.organization, "project": found, "host": entry, "new_pin": form}
    return render(request, "livepin/pin_new.html", context)


@page
@require_POST
def remove_pin(request: HttpRequest, organization: str, project: str, pattern: str) -> HttpResponseBase:
    """Remove one pin from the draft."""
    form = Removal(request.POST)
    if form.is_valid() and form.cleaned_data["digest"]:
        version, digest = form.cleaned_data["version"], form.cleaned_data["digest"]
        hosts.remove_pin(actor(request), organization, project, version, pattern, digest)
        messages.success(request, "The pin is removed from the draft. What is published stays until you publish.")
    return redirect("host", organization, project, pattern)
