"""Who belongs to an organization, who was asked to, and answering such a question."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from livepin.server.actions import invitations, memberships, organizations
from livepin.server.actions.actor import ROLES, May
from livepin.server.web.adapter import INVITATION
from livepin.server.web.forms import refusals
from livepin.server.web.visitor import actor, guarded, guarded_form, page, public

_PAGE = 100
_ROLES = [(one, one) for one in ROLES]


class Invite(forms.Form):
    """Whom to invite."""

    email = forms.EmailField()
    role = forms.ChoiceField(choices=_ROLES, initial="editor")


class Role(forms.Form):
    """The role that somebody gets."""

    role = forms.ChoiceField(choices=_ROLES)


class Code(forms.Form):
    """The secret of an invitation. It is no part of an address, which histories and logs keep."""

    code = forms.CharField(max_length=100, label="Code of the invitation")


class Mail(forms.Form):
    """Which warnings come by mail."""

    mail = forms.ChoiceField(
        widget=forms.RadioSelect,
        label="By mail I get",
        choices=(
            ("all", "every warning: what ends soon at most once a day, what is pressing within the hour"),
            ("pressing", "only what is pressing: what is wrong now, or ends very soon"),
            ("none", "nothing: I look at the pages"),
        ),
    )
    knowingly = forms.BooleanField(
        required=False, label="I am an owner, and know that nobody may tell me when connections begin to fail"
    )


@page
def mail(request: HttpRequest, organization: str) -> HttpResponse:
    """Choose which of an organization's warnings come by mail: for oneself alone."""
    reached = organizations.read(actor(request), organization)
    mine = memberships.mine(actor(request), organization)
    form = Mail(request.POST or None, initial={"mail": mine.mail, "knowingly": mine.mail == "none"})
    if mine.role != "owner":
        del form.fields["knowingly"]
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        with refusals(form):
            knowingly = given.get("knowingly", False)
            memberships.choose_mail(actor(request), organization, given["mail"], knowingly=knowingly)
            messages.success(request, "It is kept. The pages show every warning, whatever comes by mail.")
            return redirect("mail", organization)
    context = {"organization": reached.organization, "form": form, "role": mine.role, "address": mine.account.email}
    return render(request, "livepin/mail.html", context)


@guarded_form
def index(request: HttpRequest, organization: str) -> HttpResponse:
    """The members, and the invitations that wait."""
    reached = organizations.read(actor(request), organization)
    manages = reached.may(May.MANAGE)
    form = Invite(request.POST or None) if manages else None
    secret = ""
    if request.method == "POST" and form is not None and form.is_valid():
        with refusals(form):
            secret = _invite(request, organization, form.cleaned_data)
    shown = memberships.listed(actor(request), organization, request.GET.get("after", ""), _PAGE + 1)
    context = {
        "organization": reached.organization,
        "members": shown[:_PAGE],
        "next": shown[_PAGE - 1].account.email if len(shown) > _PAGE else "",
        "invitations": invitations.listed(actor(request), organization) if manages else [],
        "manages": manages,
        "form": form,
        "secret": secret,
        "roles": list(ROLES),
        "me": request.user.pk,
    }
    return render(request, "livepin/members.html", context)


def _invite(request: HttpRequest, organization: str, given: dict[str, Any]) -> str:
    made = invitations.create(actor(request), organization, given["email"], given["role"])
    if made.mailed:
        messages.success(request, f"{given['email']} is invited.")
    else:
        messages.warning(request, "The mail could not be sent. Hand the code over yourself.")
    return made.secret


@guarded
@require_POST
def change(request: HttpRequest, organization: str, account: UUID) -> HttpResponseBase:
    """Give a member another role."""
    form = Role(request.POST)
    if form.is_valid():
        memberships.change_role(actor(request), organization, str(account), form.cleaned_data["role"])
        messages.success(request, "The role is changed.")
    return redirect("members", organization)


@guarded
@require_POST
def remove(request: HttpRequest, organization: str, account: UUID) -> HttpResponseBase:
    """Remove a member, or leave."""
    memberships.remove(actor(request), organization, str(account))
    messages.success(request, "This member, and what tokens they had here, are gone.")
    left = account == request.user.pk
    return redirect("organizations") if left else redirect("members", organization)


@page
@require_POST
def revoke(request: HttpRequest, organization: str, invitation: UUID) -> HttpResponseBase:
    """Take an invitation back."""
    invitations.revoke(actor(request), organization, str(invitation))
    messages.success(request, "The invitation is taken back.")
    return redirect("members", organization)


@public
def answer(request: HttpRequest) -> HttpResponseBase:
    """Enter the code of an invitation: signed in, one becomes a member; else one may sign up for it first."""
    waiting = request.session.get(INVITATION, "")
    form = Code(request.POST or None, initial={"code": waiting})
    if request.method == "POST" and form.is_valid():
        secret = form.cleaned_data["code"].strip()
        with refusals(form):
            if request.user.is_authenticated:
                membership = invitations.accept(actor(request), secret)
                request.session.pop(INVITATION, None)
                return redirect("organization", membership.organization.identifier)
            invitations.find(secret)
            request.session[INVITATION] = secret
            return redirect("account_signup")
    return render(request, "livepin/invitation.html", {"form": form})
