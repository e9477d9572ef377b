"""Which pages this process answers: those of its roles."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from livepin.server.settings import CONFIG

urlpatterns: list[URLPattern | URLResolver] = []
if "api" in CONFIG.roles:
    urlpatterns.append(path("api/", include("livepin.server.api.urls")))
if "web" in CONFIG.roles:
    urlpatterns.append(path("", include("livepin.server.web.urls")))
