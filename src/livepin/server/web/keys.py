"""The keys of a project: what applications embed, what signs, and the key set above."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from livepin.server.actions import keys, projects
from livepin.server.web.forms import refusals
from livepin.server.web.visitor import actor, guarded, page


class NewKey(forms.Form):
    """A key that the server manages, or one's own."""

    kind = forms.ChoiceField(
        choices=(("p256", "managed, P-256"), ("ed25519", "managed, Ed25519"), ("own", "my own: the public half below")),
        label="Kind",
        help_text="A managed key is made here and kept sealed. Of your own, this server never sees the private half.",
    )
    public_key = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        required=False,
        max_length=5000,
        label="Public key of my own (PEM or Base64)",
    )

    def clean(self) -> dict[str, str]:
        """Own needs a public key, managed takes none."""
        given = super().clean() or {}
        if (given.get("kind") == "own") != bool(given.get("public_key", "").strip()):
            raise forms.ValidationError("Give a public key for a key of your own, and none for a managed one.")
        return given


@page
def index(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    """All keys, and what of them applications embed."""
    found = projects.read(actor(request), organization, project)
    trusted = keys.read(actor(request), organization, project)
    context = {
        "organization": found.organization,
        "project": found,
        "trusted": trusted,
        "anchors": [one.thumbprint for one in trusted.anchors],
        "keys": keys.listed(actor(request), organization, project),
    }
    return render(request, "livepin/keys.html", context)


@guarded
def new(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    """Add a signing key; a key set has to name it before it signs."""
    found = projects.read(actor(request), organization, project)
    form = NewKey(request.POST or None)
    if request.method == "POST" and form.is_valid():
        kind, public_key = form.cleaned_data["kind"], form.cleaned_data["public_key"]
        with refusals(form):
            if kind == "own":
                keys.add(actor(request), organization, project, public_key=public_key)
            else:
                keys.add(actor(request), organization, project, kind)
            messages.success(request, "The key is there. It signs once a key set names it.")
            return redirect("keys", organization, project)
    return render(request, "livepin/key_new.html", {"organization": found.organization, "project": found, "form": form})


@guarded
@require_POST
def retire(request: HttpRequest, organization: str, project: str, thumbprint: str) -> HttpResponseBase:
    """Never sign with a key again."""
    keys.retire(actor(request), organization, project, thumbprint)
    messages.success(request, "The key is retired; a managed private half is destroyed.")
    return redirect("keys", organization, project)
