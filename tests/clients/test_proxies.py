"""Through a proxy the proxy and the service are judged, each as a host of its own.

The way to the proxy is in the clear, or TLS of its own (TLS inside TLS). Process-wide the clients have ordinary
contexts, made before set-up; else they are given pinned ones.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import aiohttp
import httpx
import pytest
import requests
import urllib3

import livepin
from livepin.testing import Cast, ServerCertificate, TlsServer, policy
from tests.acme import Acme
from tests.clients.client import SECRET, TIMEOUT, Target
from tests.clients.entries.requests_session import ContextAdapter
from tests.clients.services.proxy import ConnectProxy

Visit = Callable[[Target, str, ssl.SSLContext], bytes]


def by_urllib3(target: Target, proxy: str, context: ssl.SSLContext) -> bytes:
    with urllib3.ProxyManager(proxy, ssl_context=context, proxy_ssl_context=context, timeout=TIMEOUT) as pool:
        return pool.request("POST", target.url, body=SECRET, retries=False).data


def by_requests(target: Target, proxy: str, context: ssl.SSLContext) -> bytes:
    with requests.Session() as session:
        session.mount("https://", ContextAdapter(context))
        return session.post(target.url, data=SECRET, proxies={"https": proxy}, timeout=TIMEOUT).content


def by_httpx(target: Target, proxy: str, context: ssl.SSLContext) -> bytes:
    through = httpx.Proxy(proxy, ssl_context=context if proxy.startswith("https:") else None)
    with httpx.Client(verify=context, proxy=through, timeout=TIMEOUT) as client:
        return client.post(target.url, content=SECRET).content


def by_httpx_async(target: Target, proxy: str, context: ssl.SSLContext) -> bytes:
    async def post() -> bytes:
        through = httpx.Proxy(proxy, ssl_context=context if proxy.startswith("https:") else None)
        async with httpx.AsyncClient(verify=context, proxy=through, timeout=TIMEOUT) as client:
            return (await client.post(target.url, content=SECRET)).content

    return asyncio.run(post())


def by_aiohttp(target: Target, proxy: str, context: ssl.SSLContext) -> bytes:
    async def post() -> bytes:
        connector = aiohttp.TCPConnector(ssl=context)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(TIMEOUT)) as session,
            session.post(target.url, data=SECRET, proxy=proxy) as response,
        ):
            return await response.read()

    return asyncio.run(post())


VISITS: list[Visit] = [by_urllib3, by_httpx, by_aiohttp]
#: Built on those above, or the same in another guise.
MORE: list[Visit] = [by_requests, by_httpx_async]
more = [pytest.param(visit, marks=pytest.mark.slow) for visit in MORE]
every_client = pytest.mark.parametrize("visit", [*VISITS, *more], ids=lambda visit: visit.__name__)
both_ways = pytest.mark.parametrize("encrypted", [False, True], ids=["CONNECT", "TLS in TLS"])
installations = pytest.mark.parametrize("how", ["process", "context"])


@dataclass
class Town:
    """A service and a proxy, both pinned."""

    acme: Acme
    proxy_genuine: ServerCertificate
    proxy_evil: ServerCertificate
    stack: ExitStack

    @property
    def cast(self) -> Cast:
        return self.acme.cast

    def context(self, how: str) -> ssl.SSLContext:
        """A pinned context, or an ordinary one in a process that is pinned later."""
        if how == "context":
            return self.acme.context(self.acme.pinner())
        context = self.cast.authority.client_context()
        livepin.setup(**self.acme.embedded())
        return context

    def service(self, certificate: ServerCertificate) -> TlsServer:
        return self.stack.enter_context(TlsServer(certificate))

    def proxy(self, encrypted: bool, certificate: ServerCertificate | None = None) -> ConnectProxy:
        return self.stack.enter_context(ConnectProxy((certificate or self.proxy_genuine) if encrypted else None))

    def blocked(self) -> set[tuple[object, object]]:
        """What was refused: code and host."""
        return {(event.detail["code"], event.detail["host"]) for event in self.acme.told("verdict_blocked")}


@pytest.fixture
def town(acme: Acme, installed: None) -> Iterator[Town]:
    proxy_genuine = acme.cast.authority.issue("127.0.0.1")
    acme.publish(policy("localhost", acme.cast.genuine), policy("127.0.0.1", proxy_genuine))
    with ExitStack() as stack:
        yield Town(acme, proxy_genuine, acme.cast.authority.rekeyed(proxy_genuine), stack)


def told(server: TlsServer) -> int:
    server.wait_until_idle()
    return server.application_bytes


@every_client
@both_ways
def test_without_pins_an_attacker_behind_a_proxy_is_told_the_secret(visit: Visit, encrypted: bool, town: Town) -> None:
    service, proxy = town.service(town.cast.evil), town.proxy(encrypted, town.proxy_evil)
    assert SECRET in visit(Target(service.port), proxy.url, town.cast.authority.client_context())
    assert told(service) > len(SECRET)


@every_client
@both_ways
@installations
def test_the_genuine_service_is_reached_through_a_proxy(visit: Visit, encrypted: bool, how: str, town: Town) -> None:
    service, proxy = town.service(town.cast.genuine), town.proxy(encrypted)
    assert SECRET in visit(Target(service.port), proxy.url, town.context(how))
    assert proxy.asked == [f"CONNECT localhost:{service.port}"]
    assert town.blocked() == set()


@every_client
@both_ways
@installations
def test_an_attacker_behind_a_proxy_is_told_nothing(visit: Visit, encrypted: bool, how: str, town: Town) -> None:
    service, proxy = town.service(town.cast.evil), town.proxy(encrypted)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one it is, is what is asked below
        visit(Target(service.port), proxy.url, town.context(how))
    assert told(service) == 0
    assert proxy.asked == [f"CONNECT localhost:{service.port}"], "it went through the proxy"
    assert town.blocked() == {("pin_mismatch", "localhost")}
    found = livepin.find_pin_error(caught.value)
    assert found is not None
    assert found.verdict.host == "localhost"


@every_client
@installations
def test_a_false_proxy_does_not_learn_where_a_client_wants_to_go(visit: Visit, how: str, town: Town) -> None:
    service, proxy = town.service(town.cast.genuine), town.proxy(True, town.proxy_evil)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - as above
        visit(Target(service.port), proxy.url, town.context(how))
    assert proxy.asked == []
    assert service.connections == ()
    found = livepin.find_pin_error(caught.value)
    assert found is not None
    assert found.verdict.host == "127.0.0.1"


def test_a_proxy_that_is_given_whole_requests_speaks_for_the_service(town: Town) -> None:
    """A limit, not a feature: there is no TLS with the service to judge. Pinning the proxy is what is left."""
    context = town.context("process")
    service, proxy = town.service(town.cast.evil), town.proxy(True)
    with urllib3.ProxyManager(
        proxy.url, proxy_ssl_context=context, use_forwarding_for_https=True, timeout=TIMEOUT
    ) as pool:
        assert pool.request("POST", Target(service.port).url, body=SECRET).data == b"forwarded"
    assert proxy.asked == [f"POST {Target(service.port).url}"]
    false = town.proxy(True, town.proxy_evil)
    with (
        urllib3.ProxyManager(
            false.url, proxy_ssl_context=context, use_forwarding_for_https=True, retries=False
        ) as pool,
        pytest.raises(urllib3.exceptions.ProxyError),
    ):
        pool.request("POST", Target(service.port).url, body=SECRET)
    assert false.asked == []
