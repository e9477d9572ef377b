"""Livepin as a Django application."""

from __future__ import annotations

from django.apps import AppConfig


class ServerConfig(AppConfig):
    """The one application of this project; its models are in `models`, its rules in `actions`."""

    name = "livepin.server"
    label = "livepin"
    default_auto_field = "django.db.models.BigAutoField"
