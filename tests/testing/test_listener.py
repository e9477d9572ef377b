from __future__ import annotations

import socket
import threading
import time

import pytest

from livepin.testing import Channel
from livepin.testing.listener import Listener, TcpChannel


def connect(listener: Listener) -> socket.socket:
    return socket.create_connection((listener.address, listener.port), timeout=5)


def test_stopping_ends_conversations_and_leaves_no_thread() -> None:
    before = threading.active_count()
    begun = threading.Semaphore(0)

    def converse(channel: TcpChannel) -> None:
        begun.release()
        channel.drain()

    with Listener(converse) as listener:
        clients = [connect(listener) for _ in range(5)]
        assert all(begun.acquire(timeout=30) for _ in clients)
        assert threading.active_count() == before + 1 + 5
    assert threading.active_count() == before
    assert all(client.recv(1) == b"" for client in clients)
    for client in clients:
        client.close()


def test_after_stopping_nobody_listens_and_it_can_be_started_again() -> None:
    listener = Listener(lambda channel: channel.write(b"hello"))
    for _ in range(2):
        listener.start()
        with connect(listener) as client:
            assert client.recv(5) == b"hello"
        port = listener.port
        listener.stop()
        listener.stop()  # twice does no harm
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)


def test_misuse_is_said_at_once() -> None:
    listener = Listener(TcpChannel.drain)
    with pytest.raises(RuntimeError, match="not started"):
        _ = listener.port
    with listener, pytest.raises(RuntimeError, match="already started"):
        listener.start()


def test_a_conversation_that_waits_is_not_waited_for() -> None:
    def wait_long(channel: Channel) -> None:
        started.set()
        channel.wait(3600)

    started, begun = threading.Event(), time.monotonic()
    with Listener(wait_long) as listener, connect(listener):
        assert started.wait(30)
    assert time.monotonic() - begun < 5


def test_idle_means_that_every_earlier_connection_was_served_and_has_ended() -> None:
    served = []

    def serve(channel: TcpChannel) -> None:
        served.append(channel.read())

    with Listener(serve) as listener:
        for number in range(20):
            with connect(listener) as client:
                client.sendall(b"%d" % number)
            listener.wait_until_idle()
            assert len(served) == number + 1


def test_idle_is_not_reached_while_a_client_stays_and_says_so() -> None:
    with Listener(TcpChannel.drain) as listener, connect(listener):
        with pytest.raises(TimeoutError, match="1 connections still open"):
            listener.wait_until_idle(timeout=0.05)
        with pytest.raises(TimeoutError, match="did not happen"):
            listener.wait_until(lambda: False, timeout=0.05)


def test_idle_concerns_only_connections_from_before(monkeypatch: pytest.MonkeyPatch) -> None:
    with Listener(TcpChannel.drain) as listener:
        first = connect(listener)
        closer = threading.Timer(0.05, first.close)
        closer.start()
        listener.wait_until_idle()
        with connect(listener):
            closer.join()


def test_a_fault_in_a_conversation_is_raised_at_the_end_of_the_test() -> None:
    def broken(channel: Channel) -> None:
        raise ZeroDivisionError("a bug in the fake")

    with pytest.raises(ZeroDivisionError, match="a bug in the fake"), Listener(broken) as listener:
        connect(listener).close()
        listener.wait_until_idle()
    with pytest.raises(KeyError, match="the test's own"), Listener(broken) as listener:
        connect(listener).close()
        listener.wait_until_idle()
        raise KeyError("the test's own")


def test_a_fault_is_told_once() -> None:
    def broken(channel: Channel) -> None:
        raise KeyError("a bug in the fake")

    listener = Listener(broken)
    listener.start()
    connect(listener).close()
    listener.wait_until_idle()
    with pytest.raises(KeyError):
        listener.stop()
    with listener:
        pass


def test_a_client_that_vanishes_is_no_fault() -> None:
    def insist(channel: Channel) -> None:
        while True:
            channel.write(b"x" * 65536)

    with Listener(insist) as listener:
        connect(listener).close()
        listener.wait_until_idle()


def test_a_reset_reaches_the_client_as_an_error() -> None:
    def refuse(channel: Channel) -> None:
        channel.read()
        channel.reset()

    with Listener(refuse) as listener, connect(listener) as client:
        client.sendall(b"x")
        with pytest.raises(ConnectionResetError):
            client.recv(1)
