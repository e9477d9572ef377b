"""The settings of a draft: how long documents live, when applications ask again, what becomes of unlisted hosts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from livepin.author.draft import MAX_LIFE_DAYS
from livepin.core.document import MAX_REFRESH_AFTER
from livepin.server.actions import drafts, projects
from livepin.server.web.forms import Lines, Versioned, refusals
from livepin.server.web.visitor import actor, page

_SETTINGS = ("life_days", "extendable_days", "refresh_after", "unlisted", "deny")


class DraftSettings(Versioned):
    """What a document says besides its hosts."""

    life_days = forms.IntegerField(
        min_value=1,
        max_value=MAX_LIFE_DAYS,
        label="Life of a document in days",
        help_text="It is signed again at half of it. More than 30 needs a reason at every publish (G5).",
    )
    extendable_days = forms.IntegerField(
        min_value=1,
        max_value=MAX_LIFE_DAYS,
        required=False,
        label="Prolonged for at most (days)",
        help_text="Empty: not at all. Else a document may live for a day, and freshness statements prolong it for so "
        "many days from its issue on, while the key that signed it rests: who can only withhold new documents is then "
        "noticed within hours. It takes a refresh key that the key set names.",
    )
    refresh_after = forms.IntegerField(
        min_value=1,
        max_value=MAX_REFRESH_AFTER,
        required=False,
        label="Applications ask again after (seconds)",
        help_text="Empty: 600. Applications ask at least hourly, whatever stands here.",
    )
    unlisted = forms.ChoiceField(
        choices=(
            ("allow", "allow: ordinary TLS validation"),
            ("report", "report: let through and told of"),
            ("block", "block: refused"),
        ),
        label="Hosts that no pattern covers",
    )
    deny = Lines(
        label="Denied keys",
        help_text="SPKI SHA-256 digests that are refused for every host, listed or not; one a line.",
    )

    @classmethod
    def of(cls, project: Any) -> DraftSettings:
        """The form that shows the draft of a project: of ten thousand hosts none is read for it."""
        given = {name: getattr(project, name) for name in _SETTINGS}
        return cls(initial={**given, "version": project.draft_version})

    def settings(self) -> dict[str, Any]:
        """What the filled-in form sets."""
        given = {name: value for name, value in self.cleaned_data.items() if name != "version"}
        return {**given, "deny": tuple(given["deny"])}


@page
def settings(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    """Change what a document says besides its hosts."""
    found = projects.read(actor(request), organization, project)
    form = DraftSettings(request.POST) if request.method == "POST" else DraftSettings.of(found)
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            given = form.cleaned_data["version"]
            drafts.set_settings(actor(request), organization, project, given, **form.settings())
            messages.success(request, "The settings are staged. Nothing is published by this.")
            return redirect("draft-settings", organization, project)
        if form.overtaken:
            form.renew(found.draft_version, DraftSettings.of(found).initial)
    context = {"organization": found.organization, "project": found, "form": form}
    return render(request, "livepin/draft_settings.html", context)
