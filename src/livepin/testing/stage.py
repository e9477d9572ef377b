"""The stage of a test that pins a whole process: a document, its origin, and the pinner that goes by it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import livepin
from livepin.testing.cast import Cast
from livepin.testing.origin import Origin
from livepin.testing.publisher import DocumentAuthority, policy
from livepin.testing.tls import TlsServer


class Pins:
    """Pins the process from `__enter__` to `__exit__`. What fixture `livepin_pins` gives."""

    def __init__(self, cast: Cast, hosts: Iterable[str]) -> None:
        """The first document pins the genuine and the backup key of each of `hosts`."""
        self.cast = cast
        #: Whoever signs: also for documents that are wrong in one respect.
        self.documents = DocumentAuthority()
        self.origin = Origin()
        self._hosts = tuple(hosts)
        self._pinner: livepin.Pinner | None = None

    def __enter__(self) -> Self:
        self.origin.start()
        self.publish(*(policy(host, self.cast.genuine, self.cast.backup) for host in self._hosts))
        self._pinner = livepin.setup(**self.embedded)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        livepin.uninstall()
        self.pinner.close()
        self.origin.stop()

    @property
    def pinner(self) -> livepin.Pinner:
        """The pinner of the process: its `status()` counts connections."""
        assert self._pinner is not None
        return self._pinner

    @property
    def embedded(self) -> dict[str, Any]:
        """What an application embeds, as arguments of `livepin.setup`; nothing is kept on disk."""
        return {
            "organization_id": self.documents.organization,
            "project_id": self.documents.project,
            "public_key": self.documents.public_keys,
            "configuration_url": self.origin.base_url,
            "store": None,
            "wait": 20.0,  # a busy machine is not what a test is about
        }

    def publish(self, *hosts: Mapping[str, object], **members: object) -> None:
        """Publish the next document (see `policy` and `DocumentAuthority.sign`) and have the process take it up."""
        sign = self.documents.next if self.documents.serial else self.documents.sign
        self.serve(sign(hosts, **members))

    def serve(self, text: str) -> None:
        """Serve any text as the document, and have the process look at it."""
        self.origin.put(self.documents.pointer, text)
        if self._pinner is not None:
            self._pinner.refresh()

    @contextmanager
    def refuses(self, server: TlsServer, code: str = "pin_mismatch") -> Iterator[None]:
        """Assert that the block connects to `server`, is refused with `code`, and sends it no application byte.

        The error of the refusal ends here, however the client has wrapped it; an application that deals with it
        itself is as good. Every other error passes.
        """
        came, learnt, refused = len(server.connections), server.application_bytes, self._refused(code)
        try:
            yield
        except AssertionError:
            raise
        except Exception as error:
            if livepin.find_pin_error(error) is None:
                raise
        server.wait_until_idle()
        found = server.application_bytes - learnt
        assert self.pinner.status().installed, "the application called livepin.setup or livepin.uninstall itself"
        assert len(server.connections) > came, "nothing connected to this server, so nothing was shown"
        assert found == 0, f"the server learnt {found} bytes: {server.received[learnt:][:200]!r}"
        assert self._refused(code) > refused, f"nothing was refused as {code}: {self.pinner.status().verdicts}"

    def _refused(self, code: str) -> int:
        return self.pinner.status().verdicts.get("blocked", {}).get(code, 0)
