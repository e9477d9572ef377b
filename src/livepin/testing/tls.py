"""TLS servers for tests: real ones, on loopback, that record what reaches them and misbehave when asked to."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from enum import Enum

from livepin.testing import conversations
from livepin.testing.authority import ServerCertificate
from livepin.testing.conversations import Conversation, Preamble
from livepin.testing.listener import Listener, TcpChannel
from livepin.testing.tls_channel import Connection, PlainChannel, Recording, TlsChannel


class Handshake(Enum):
    """How far a server lets a handshake go."""

    COMPLETE = "complete"
    SILENT = "silent"  # the connection is accepted, the ClientHello never answered
    HALFWAY = "halfway"  # half of the server's first flight is sent, and then nothing
    RESET = "reset"  # the ClientHello is answered with a TCP reset


class Versions(Enum):
    """The TLS versions that a server accepts: lowest and highest."""

    BOTH = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    TLS12 = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
    TLS13 = (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3)


class Resumption(Enum):
    """How a server lets sessions be resumed."""

    TICKETS = "tickets"  # the client keeps the state
    STATEFUL = "stateful"  # the server keeps it: session IDs in TLS 1.2, opaque tickets in TLS 1.3
    OFF = "off"


class TlsServer(Listener):
    """A TLS server on loopback. A context manager; see `Listener` for `start`, `stop`, `port`, `wait_until_idle`.

    Its attributes `handshake`, `conversation` and `preamble` may be set while it runs, and `use` exchanges the
    certificate; each concerns the connections made afterwards.
    """

    def __init__(
        self,
        certificate: ServerCertificate,
        *,
        conversation: Conversation = conversations.http,
        preamble: Preamble | None = None,
        handshake: Handshake = Handshake.COMPLETE,
        versions: Versions = Versions.BOTH,
        resumption: Resumption = Resumption.TICKETS,
        alpn: Sequence[str] = ("http/1.1",),
        address: str = "127.0.0.1",
    ) -> None:
        """`conversation` is what is said inside TLS, `preamble` what is said before (STARTTLS), `alpn` the
        application protocols in order of preference, `address` the loopback address to listen on."""
        super().__init__(self._serve, address)
        self.conversation = conversation
        self.preamble = preamble
        self.handshake = handshake
        self._versions = versions
        self._resumption = resumption
        self._alpn = list(alpn)
        self._recordings: list[Recording] = []
        self.use(certificate)

    def use(self, certificate: ServerCertificate) -> None:
        """Show this certificate from the next handshake on. Sessions made before are not resumed: as after a restart
        of a web server, their tickets are no longer known."""
        self.certificate = certificate
        self._context = self._new_context()

    def url(self, path: str = "/", host: str = "localhost") -> str:
        """An https URL of this server."""
        return f"https://{host}:{self.port}{path}"

    # ------------------------------------------------------------------ what was recorded

    @property
    def connections(self) -> tuple[Connection, ...]:
        """Every connection so far, those that are still open included, in the order in which they came."""
        with self._changed:
            return tuple(recording.snapshot() for recording in self._recordings)

    @property
    def received(self) -> bytes:
        """All application bytes that could be decrypted, of all connections."""
        return b"".join(connection.received for connection in self.connections)

    @property
    def application_bytes(self) -> int:
        """How many application bytes could be decrypted: 0 is what pinning promises of an attacker's server.

        Call `wait_until_idle` first, so that a 0 does not mean "not yet".
        """
        return len(self.received)

    @property
    def handshakes(self) -> int:
        """How many handshakes were completed, as the server sees it."""
        return sum(connection.established for connection in self.connections)

    @property
    def server_names(self) -> tuple[str, ...]:
        """The name in the ClientHello of each connection; "" where there was none."""
        return tuple(connection.server_name for connection in self.connections)

    def forget(self) -> None:
        """Forget what was recorded. Connections that are still open are not recorded any further."""
        with self._changed:
            self._recordings.clear()

    # ------------------------------------------------------------------ one connection

    def _serve(self, tcp: TcpChannel) -> None:
        recording = Recording(self._notify)
        with self._changed:
            self._recordings.append(recording)
        self._notify()
        if self.preamble is not None and not self.preamble(PlainChannel(tcp, recording)):
            tcp.half_close()
            tcp.drain()
            return
        context = self._new_context() if self._resumption is Resumption.OFF else self._context
        self._talk(TlsChannel(tcp, context, recording))

    def _talk(self, channel: TlsChannel) -> None:
        match self.handshake:
            case Handshake.SILENT:
                channel.stall()
            case Handshake.HALFWAY:
                channel.stall_halfway()
            case Handshake.RESET:
                channel.refuse()
            case Handshake.COMPLETE:
                try:
                    channel.handshake()
                    self.conversation(channel)
                finally:
                    channel.finish()

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _new_context(self) -> ssl.SSLContext:
        """Without resumption each connection gets its own: Python cannot switch a server's session cache off, but
        a new context knows no old session."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version, context.maximum_version = self._versions.value
        if self._alpn:
            context.set_alpn_protocols(self._alpn)
        # Most clients leave without close_notify. OpenSSL would take that for an attack and forget the session.
        context.options |= ssl.OP_IGNORE_UNEXPECTED_EOF
        if self._resumption is not Resumption.TICKETS:
            context.options |= ssl.OP_NO_TICKET
        if self._resumption is Resumption.OFF:
            context.num_tickets = 0
        self.certificate.load_into(context)
        return context
