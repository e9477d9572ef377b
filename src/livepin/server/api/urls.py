"""The addresses of the API."""

from __future__ import annotations

from django.urls import path

from livepin.server.api.application import api

urlpatterns = [path("v1/", api.urls)]
