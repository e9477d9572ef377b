"""The addresses of the dashboard."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from livepin.server.web import (
    accounts,
    assets,
    drafts,
    ends,
    entrances,
    history,
    hosts,
    keys,
    members,
    newcomers,
    organizations,
    projects,
    publishes,
    tokens,
    trail,
    warnings,
)

_PROJECT: list[URLPattern | URLResolver] = [
    path("", projects.home, name="project"),
    path("settings/", projects.settings, name="project-settings"),
    path("end/", ends.end, name="project-end"),
    path("warnings/", warnings.index, name="warnings"),
    path("warnings/<str:warning>/", warnings.answer, name="warning-answer"),
    path("draft/settings/", drafts.settings, name="draft-settings"),
    path("draft/", publishes.draft, name="draft"),
    path("draft/publish/", publishes.ask, name="publish-ask"),
    path("publishes/", publishes.index, name="publishes"),
    path("publishes/<uuid:publish>/", publishes.show, name="publish"),
    path("publishes/<uuid:publish>/answer/", publishes.answer, name="publish-answer"),
    path("publishes/<uuid:publish>/signing-input/", publishes.signing_input, name="signing-input"),
    path("history/", history.index, name="history"),
    path("history/<int:epoch>.<int:serial>/", history.show, name="revision"),
    path("history/<int:epoch>.<int:serial>/rollback/", history.rollback, name="rollback"),
    path("keys/", keys.index, name="keys"),
    path("keys/new/", keys.new, name="key-new"),
    path("keys/keyset/", keys.put_keyset, name="keyset"),
    path("keys/<str:thumbprint>/retire/", keys.retire, name="key-retire"),
    path("embed/", projects.embed, name="embed"),
    path("hosts/", hosts.index, name="hosts"),
    path("hosts/new/", newcomers.new, name="host-new"),
    path("hosts/<str:pattern>/", hosts.host, name="host"),
    path("hosts/<str:pattern>/look/", hosts.look, name="host-look"),
    path("hosts/<str:pattern>/remove/", hosts.remove, name="host-remove"),
    path("hosts/<str:pattern>/pins/new/", hosts.add_pin, name="pin-new"),
    path("hosts/<str:pattern>/pins/remove/", hosts.remove_pin, name="pin-remove"),
]

_ORGANIZATION: list[URLPattern | URLResolver] = [
    path("", organizations.home, name="organization"),
    path("settings/", organizations.settings, name="organization-settings"),
    path("members/", members.index, name="members"),
    path("members/<uuid:account>/", members.change, name="member-change"),
    path("members/<uuid:account>/remove/", members.remove, name="member-remove"),
    path("invitations/<uuid:invitation>/revoke/", members.revoke, name="invitation-revoke"),
    path("tokens/", tokens.index, name="tokens"),
    path("tokens/new/", tokens.new, name="token-new"),
    path("tokens/<uuid:token>/revoke/", tokens.revoke, name="token-revoke"),
    path("audit/", trail.index, name="trail"),
    path("audit/export/", trail.export, name="trail-export"),
    path("new/", projects.new, name="project-new"),
    path("p/<str:project>/", include(_PROJECT)),
]

urlpatterns = [
    path("", organizations.index, name="organizations"),
    path("static/<path:path>", assets.asset, name="asset"),
    path("account/", accounts.account, name="account"),
    path("account/command-lines/<uuid:token>/end/", accounts.sign_out, name="sign-out-command-line"),
    path("account/", include("allauth.urls")),
    path("welcome/", entrances.welcome, name="welcome"),
    path("account/command-line/", entrances.device, name="device"),
    path("invitation/", members.answer, name="invitation"),
    path("new/", organizations.new, name="organization-new"),
    path("o/<str:organization>/", include(_ORGANIZATION)),
]
