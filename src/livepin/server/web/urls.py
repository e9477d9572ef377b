"""The addresses of the dashboard."""

from __future__ import annotations

from django.urls import include, path

from livepin.server.web import accounts, assets, organizations, projects

urlpatterns = [
    path("", organizations.index, name="organizations"),
    path("static/<path:path>", assets.asset, name="asset"),
    path("account/", accounts.account, name="account"),
    path("account/", include("allauth.urls")),
    path("new/", organizations.new, name="organization-new"),
    path("o/<str:organization>/", organizations.home, name="organization"),
    path("o/<str:organization>/new/", projects.new, name="project-new"),
    path("o/<str:organization>/p/<str:project>/", projects.home, name="project"),
]
