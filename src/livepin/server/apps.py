"""Livepin as a Django application."""

from __future__ import annotations

from django.apps import AppConfig


class ServerConfig(AppConfig):
    """The one application of this project; its models are in `models`, its rules in `actions`."""

    name = "livepin.server"
    label = "livepin"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to those who sign in."""
        from livepin.server.web.sessions import log_sign_ins  # Django's own models have to be there first

        log_sign_ins()
