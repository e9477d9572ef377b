"""The addresses of the dashboard."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from livepin.server.web import accounts, assets, drafts, hosts, organizations, projects

_PROJECT: list[URLPattern | URLResolver] = [
    path("", projects.home, name="project"),
    path("settings/", projects.settings, name="project-settings"),
    path("draft/settings/", drafts.settings, name="draft-settings"),
    path("hosts/", hosts.index, name="hosts"),
    path("hosts/<str:pattern>/", hosts.host, name="host"),
    path("hosts/<str:pattern>/remove/", hosts.remove, name="host-remove"),
    path("hosts/<str:pattern>/pins/new/", hosts.add_pin, name="pin-new"),
    path("hosts/<str:pattern>/pins/remove/", hosts.remove_pin, name="pin-remove"),
]

_ORGANIZATION: list[URLPattern | URLResolver] = [
    path("", organizations.home, name="organization"),
    path("settings/", organizations.settings, name="organization-settings"),
    path("new/", projects.new, name="project-new"),
    path("p/<str:project>/", include(_PROJECT)),
]

urlpatterns = [
    path("", organizations.index, name="organizations"),
    path("static/<path:path>", assets.asset, name="asset"),
    path("account/", accounts.account, name="account"),
    path("account/", include("allauth.urls")),
    path("new/", organizations.new, name="organization-new"),
    path("o/<str:organization>/", include(_ORGANIZATION)),
]
