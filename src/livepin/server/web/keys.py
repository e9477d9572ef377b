"""The keys of a project: what applications embed, what signs, and the key set above."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from livepin.server.actions import keys, projects, renewals
from livepin.server.web.forms import Lines, refusals
from livepin.server.web.visitor import actor, guarded, page

#: Eight copies of a key set with sixteen keys and many revocations are far below this.
_MAX_KEY_SET = 512 * 1024


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


class NewKeySet(forms.Form):
    """A key set as its anchors signed it. The server never sees an anchor's private half."""

    texts = Lines(label="The key set: the lines of keyset.jws", help_text="One a line: a copy for each anchor.")
    file = forms.FileField(required=False, label="… or the file itself")
    anchors = Lines(
        label="Anchors that applications embed from now on",
        help_text="Base64, one a line. Empty: as they are. Applications in the field follow only where anchors that "
        "<em>they</em> embed signed.",
    )
    threshold = forms.IntegerField(
        min_value=1,
        max_value=keys.MAX_ANCHORS,
        required=False,
        help_text="How many of them must have signed. Empty: as it is.",
    )

    def clean(self) -> dict[str, Any]:
        """The copies, wherever they stand."""
        given = super().clean() or {}
        file = given.get("file")
        text = file.read(_MAX_KEY_SET).decode("ascii", "replace") if file else ""
        given["copies"] = given.get("texts") or text.split()
        if not given["copies"]:
            raise forms.ValidationError("Paste the key set, or name its file.")
        return given


@page
def index(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    """All keys, and what of them applications embed."""
    found = projects.read(actor(request), organization, project)
    trusted = keys.read(actor(request), organization, project)
    rows = keys.listed(actor(request), organization, project)
    context = {
        "organization": found.organization,
        "project": found,
        "trusted": trusted,
        "keys": [(one, _tags(one, trusted)) for one in rows],
        "anchors": _elsewhere(trusted, {one.thumbprint for one in rows}),
    }
    return render(request, "livepin/keys.html", context)


def _tags(key: Any, trusted: keys.Trusted) -> list[tuple[str, str]]:
    """What a key is now, with how good that is."""
    tags, keyset = [], trusted.keyset
    if key.thumbprint in {one.thumbprint for one in trusted.anchors}:
        tags.append(("anchor", "" if keyset is None else "warn"))
    if keyset is not None and key.thumbprint in keyset.revoked:
        tags.append(("revoked", "bad"))
    elif keyset is not None and key.thumbprint in keyset.signing_keys:
        tags.append(("named by the key set", "good"))
    elif keyset is not None or not tags:
        tags.append(("no key set names it: it cannot sign", "warn"))
    return tags


def _elsewhere(trusted: keys.Trusted, here: set[str]) -> list[str]:
    """Anchors of which this server has nothing but the public half that applications embed."""
    return [one.thumbprint for one in trusted.anchors if one.thumbprint not in here]


@guarded
def put_keyset(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    """Take a key set into force that the anchors signed elsewhere."""
    found = projects.read(actor(request), organization, project)
    form = NewKeySet(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        with refusals(form):
            made, publish = renewals.take_keyset(
                actor(request), organization, project, given["copies"], given["anchors"] or None, given["threshold"]
            )
            reaches = "with the first publish" if publish is None else "now: what is published is signed again under it"
            messages.success(
                request, f"The key set of epoch {made.epoch} is in force. It reaches applications {reaches}."
            )
            return redirect("keys", organization, project)
    context = {"organization": found.organization, "project": found, "form": form}
    context["trusted"] = keys.read(actor(request), organization, project)
    context["keys"] = [one for one in keys.listed(actor(request), organization, project) if one.retired_at is None]
    return render(request, "livepin/keyset_new.html", context)


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
