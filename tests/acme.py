"""Acme's shop: a project with its documents, its origin, and the applications that are pinned by it."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from livepin import Event, Pinner
from livepin.testing import Cast, Clock, DocumentAuthority, Origin


class Acme:
    """Publishes documents on a loopback origin, and makes pinners that read them. Closes what it made."""

    def __init__(self, cast: Cast, origin: Origin, clock: Clock | None = None) -> None:
        self.cast = cast
        self.origin = origin
        self.documents = DocumentAuthority(clock=clock)
        self.events: list[Event] = []
        self._clock = clock
        self._pinners: list[Pinner] = []

    def publish(self, *hosts: Mapping[str, object], **members: object) -> str:
        """Sign the next document, let the origin serve it, and return its text."""
        sign = self.documents.next if self.documents.serial else self.documents.sign
        text = sign(hosts, **members)
        self.serve(text)
        return text

    def serve(self, text: str) -> None:
        """Let the origin serve any text as the current document."""
        self.origin.put(self.documents.pointer, text)

    def embedded(self, **other: Any) -> Any:
        """What an application embeds, as arguments of `livepin.setup`; nothing is kept on disk unless asked for."""
        arguments = {
            "organization_id": self.documents.organization,
            "project_id": self.documents.project,
            "public_key": self.documents.public_keys,
            "configuration_url": self.origin.base_url,
            "store": None,
            "wait": 20.0,  # a busy machine is not what a test is about
            "on_event": self.events.append,
        }
        return {**arguments, **other}

    def pinner(self, **other: Any) -> Pinner:
        """A pinner of this project; `other` arguments replace what `embedded` says."""
        pinner = Pinner(clock=self._clock, **self.embedded(**other))
        self._pinners.append(pinner)
        return pinner

    def context(self, pinner: Pinner) -> ssl.SSLContext:
        """A pinned context that trusts the cast's authority, `evil` included."""
        return pinner.ssl_context(cadata=self.cast.authority.root_pem)

    def told(self, name: str) -> list[Event]:
        """The events of one name so far."""
        return [event for event in self.events if event.name == name]

    def close(self) -> None:
        for pinner in self._pinners:
            pinner.close()
