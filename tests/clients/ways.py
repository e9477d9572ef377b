"""Every way we know in which a program gets bytes into a TLS connection of the `ssl` module.

Each tries as hard as it can to send `SECRET`: it handshakes late or never (OpenSSL then shakes hands inside the first
read or write), catches errors and goes on, uses the plain socket beneath. With an ordinary context all of them succeed.
"""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.clients.client import SECRET, TIMEOUT
from tests.clients.memory import MemoryTls

Way = Callable[[ssl.SSLContext, int], None]
HOST = "localhost"
#: What a refused connection may raise at a program that goes on all the same.
ENDS = (OSError, ValueError)


def _plain(port: int) -> socket.socket:
    return socket.create_connection((HOST, port), TIMEOUT)


@contextmanager
def _deferred(context: ssl.SSLContext, port: int) -> Iterator[ssl.SSLSocket]:
    """A connected socket that has not shaken hands."""
    with (
        _plain(port) as plain,
        context.wrap_socket(plain, server_hostname=HOST, do_handshake_on_connect=False) as connection,
        suppress(*ENDS),
    ):
        yield connection


def at_once(context: ssl.SSLContext, port: int) -> None:
    with _plain(port) as plain, suppress(*ENDS), context.wrap_socket(plain, server_hostname=HOST) as connection:
        connection.sendall(SECRET)


def handshake_then_send(context: ssl.SSLContext, port: int) -> None:
    with _deferred(context, port) as connection:
        connection.do_handshake()
        connection.sendall(SECRET)


def send_unshaken(context: ssl.SSLContext, port: int) -> None:
    with _deferred(context, port) as connection:
        connection.send(SECRET)


def sendall_unshaken(context: ssl.SSLContext, port: int) -> None:
    with _deferred(context, port) as connection:
        connection.sendall(SECRET)


def write_unshaken(context: ssl.SSLContext, port: int) -> None:
    with _deferred(context, port) as connection:
        connection.write(SECRET)


def sendfile_unshaken(context: ssl.SSLContext, port: int) -> None:
    with tempfile.TemporaryFile() as file, _deferred(context, port) as connection:
        file.write(SECRET)
        file.seek(0)
        connection.sendfile(file)


def makefile_unshaken(context: ssl.SSLContext, port: int) -> None:
    with _deferred(context, port) as connection, connection.makefile("wb", buffering=0) as stream:
        stream.write(SECRET)


def _then_send(connection: ssl.SSLSocket, begin: Callable[[], object]) -> None:
    """Begin with something that needs no answer of the server's, forget its error, then send."""
    connection.settimeout(0.2)  # the server waits for us: a read ends with the handshake and a timeout
    with suppress(*ENDS):
        begin()
    connection.settimeout(TIMEOUT)
    connection.sendall(SECRET)


def recv_unshaken_then_send(context: ssl.SSLContext, port: int) -> None:
    with _deferred(context, port) as connection:
        _then_send(connection, lambda: connection.recv(1))


def recv_into_unshaken_then_send(context: ssl.SSLContext, port: int) -> None:
    with _deferred(context, port) as connection:
        _then_send(connection, lambda: connection.recv_into(bytearray(1)))


def read_unshaken_then_send(context: ssl.SSLContext, port: int) -> None:
    with _deferred(context, port) as connection:
        _then_send(connection, lambda: connection.read(1))


def makefile_read_then_send(context: ssl.SSLContext, port: int) -> None:
    with _deferred(context, port) as connection, connection.makefile("rb", buffering=0) as stream:
        _then_send(connection, lambda: stream.read(1))


def catch_and_send(context: ssl.SSLContext, port: int) -> None:
    with _deferred(context, port) as connection:
        with suppress(*ENDS):
            connection.do_handshake()
        connection.sendall(SECRET)


def catch_and_shake_again(context: ssl.SSLContext, port: int) -> None:
    with _deferred(context, port) as connection:
        for _ in range(3):
            with suppress(*ENDS):
                connection.do_handshake()
            with suppress(*ENDS):
                connection.send(SECRET)


def catch_and_unwrap(context: ssl.SSLContext, port: int) -> None:
    """Goes back to the plain socket after the failure. (An ordinary program sends before it does so.)"""
    with _deferred(context, port) as connection:
        with suppress(*ENDS):
            connection.do_handshake()
            connection.sendall(SECRET)
        connection.unwrap().sendall(SECRET)


def connect_late(context: ssl.SSLContext, port: int) -> None:
    """After a failed `connect`, `ssl` forgets its TLS object and sends on in the clear."""
    with (
        context.wrap_socket(socket.socket(), server_hostname=HOST) as connection,
        suppress(*ENDS),
    ):
        connection.settimeout(TIMEOUT)
        with suppress(*ENDS):
            connection.connect((HOST, port))
        for send in (connection.send, connection.sendall, connection.write):
            with suppress(*ENDS):
                send(SECRET)


def connect_ex_late(context: ssl.SSLContext, port: int) -> None:
    with context.wrap_socket(socket.socket(), server_hostname=HOST) as connection, suppress(*ENDS):
        connection.settimeout(TIMEOUT)
        with suppress(*ENDS):
            connection.connect_ex((HOST, port))
        connection.sendall(SECRET)


def connect_late_shake_late(context: ssl.SSLContext, port: int) -> None:
    with (
        context.wrap_socket(socket.socket(), server_hostname=HOST, do_handshake_on_connect=False) as connection,
        suppress(*ENDS),
    ):
        connection.settimeout(TIMEOUT)
        connection.connect((HOST, port))
        connection.sendall(SECRET)


def non_blocking(context: ssl.SSLContext, port: int) -> None:
    with _deferred(context, port) as connection:
        connection.setblocking(False)
        while True:
            try:
                connection.send(SECRET)
                return
            except ssl.SSLWantReadError:
                select.select([connection], [], [], TIMEOUT)
            except ssl.SSLWantWriteError:
                select.select([], [connection], [], TIMEOUT)


def made_by_hand(context: ssl.SSLContext, port: int) -> None:
    """As libraries did before `SSLContext.wrap_socket`: by the class itself."""
    with (
        _plain(port) as plain,
        suppress(*ENDS),
        ssl.SSLSocket._create(  # type: ignore[attr-defined]
            plain, server_side=False, do_handshake_on_connect=False, server_hostname=HOST, context=context
        ) as connection,
    ):
        connection.sendall(SECRET)


class CarelessSocket(ssl.SSLSocket):
    """A socket class of somebody else's, which overrides what a weaker hook would rely on."""

    def do_handshake(self, block: bool = False) -> None:
        self._sslobj.do_handshake()  # type: ignore[attr-defined]


def own_socket_class(context: ssl.SSLContext, port: int) -> None:
    context.sslsocket_class = CarelessSocket
    at_once(context, port)


def _memory(context: ssl.SSLContext, plain: socket.socket) -> MemoryTls:
    return MemoryTls(plain, context, HOST)


class CarelessObject(ssl.SSLObject):
    """The same for memory buffers."""

    def do_handshake(self) -> None:
        self._sslobj.do_handshake()  # type: ignore[attr-defined]


def own_object_class(context: ssl.SSLContext, port: int) -> None:
    context.sslobject_class = CarelessObject
    memory_handshake(context, port)


def memory_made_by_hand(context: ssl.SSLContext, port: int) -> None:
    """By the class itself, and past it: what `SSLObject` holds is asked directly, as some event loops do."""
    with _plain(port) as plain, suppress(*ENDS):
        tls = _memory(context, plain)
        tls.object = ssl.SSLObject._create(  # type: ignore[attr-defined]
            tls.incoming, tls.outgoing, server_side=False, server_hostname=HOST, context=context
        )
        tls.drive(tls.object._sslobj.write, SECRET)  # type: ignore[attr-defined]


def connect_again(context: ssl.SSLContext, port: int) -> None:
    """Tries once more with the very socket that was refused."""
    with context.wrap_socket(socket.socket(), server_hostname=HOST) as connection, suppress(*ENDS):
        connection.settimeout(TIMEOUT)
        for _ in range(2):
            with suppress(*ENDS):
                connection.connect((HOST, port))
            with suppress(*ENDS):
                connection.sendall(SECRET)


def second_handle(context: ssl.SSLContext, port: int) -> None:
    """Has kept another handle of the plain connection, and sends in the clear by it after the failure."""
    with _plain(port) as plain, plain.dup() as second, suppress(*ENDS):
        with suppress(*ENDS), context.wrap_socket(plain, server_hostname=HOST) as connection:
            connection.sendall(SECRET)
        second.sendall(SECRET)


def memory_handshake(context: ssl.SSLContext, port: int) -> None:
    with _plain(port) as plain, suppress(*ENDS):
        tls = _memory(context, plain)
        tls.drive(tls.object.do_handshake)
        tls.drive(tls.object.write, SECRET)


def memory_write_unshaken(context: ssl.SSLContext, port: int) -> None:
    with _plain(port) as plain, suppress(*ENDS):
        tls = _memory(context, plain)
        tls.drive(tls.object.write, SECRET)


def memory_read_unshaken_then_write(context: ssl.SSLContext, port: int) -> None:
    with _plain(port) as plain, suppress(*ENDS):
        tls = _memory(context, plain)
        plain.settimeout(0.2)
        with suppress(*ENDS):
            tls.drive(tls.object.read, 1)
        tls.drive(tls.object.write, SECRET)


def memory_catch_and_write(context: ssl.SSLContext, port: int) -> None:
    with _plain(port) as plain:
        tls = _memory(context, plain)
        for _ in range(3):
            with suppress(*ENDS):
                tls.drive(tls.object.do_handshake)
            with suppress(*ENDS):
                tls.drive(tls.object.write, SECRET)


def event_loop(context: ssl.SSLContext, port: int) -> None:
    async def talk() -> None:
        _, writer = await asyncio.open_connection(HOST, port, ssl=context)
        writer.write(SECRET)
        await writer.drain()
        writer.close()
        await writer.wait_closed()  # else the loop may end with bytes that are not sent yet

    with suppress(*ENDS):
        asyncio.run(asyncio.wait_for(talk(), TIMEOUT))


def event_loop_upgrades(context: ssl.SSLContext, port: int) -> None:
    """Starts in the clear, upgrades, and after a failed upgrade writes to the transport that it still has."""

    async def talk() -> None:
        _, writer = await asyncio.open_connection(HOST, port)
        with suppress(*ENDS):
            await writer.start_tls(context, server_hostname=HOST)
        writer.write(SECRET)
        await writer.drain()
        writer.close()
        await writer.wait_closed()  # else the loop may end with bytes that are not sent yet

    with suppress(*ENDS):
        asyncio.run(asyncio.wait_for(talk(), TIMEOUT))


WAYS: dict[str, Way] = {
    way.__name__: way
    for way in (
        *(at_once, handshake_then_send, send_unshaken, sendall_unshaken, write_unshaken, sendfile_unshaken),
        *(makefile_unshaken, recv_unshaken_then_send, recv_into_unshaken_then_send, read_unshaken_then_send),
        *(makefile_read_then_send, catch_and_send, catch_and_shake_again, catch_and_unwrap),
        *(connect_late, connect_ex_late, connect_late_shake_late, non_blocking, made_by_hand, own_socket_class),
        *(connect_again, second_handle, own_object_class, memory_made_by_hand),
        *(memory_handshake, memory_write_unshaken, memory_read_unshaken_then_write, memory_catch_and_write),
        *(event_loop, event_loop_upgrades),
    )
}
