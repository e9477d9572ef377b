"""Drills of what is stolen from a server: its database, with and without its master key, and a token for its API."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path
from typing import Any

from livepin.author.signers.managed import ManagedSigner, MasterKey, Owner
from livepin.cli.drills import thief
from livepin.cli.drills.server import Server
from livepin.cli.drills.stage import HOST, MAX_AGE, ORGANIZATION, POINTER, PROJECT, Stage
from livepin.cli.drills.thief import Hand
from livepin.errors import Forbidden, KeyUnusable, LivepinError, NotFound, Unauthenticated

_ANCHOR = "../drawer/shop.pem"
_SHOP = f"/organizations/{ORGANIZATION}/projects/{PROJECT}"
_HOSTS = f"{_SHOP}/draft/hosts/{HOST}"


def database(stage: Stage) -> None:
    """He has the server's database, and nothing can be done with it; then he has the master key, too."""
    with Server(stage.folder) as server:
        key = _keyed_project(stage, server)
        stage.cdn.move(server.origin)
        stage.start_pinned(**stage.embedded())
        stolen = stage.folder / "stolen.sqlite3"
        _copy(server.data / "livepin.sqlite3", stolen)
        _without_master_key(stage, server, stolen)
        signer = ManagedSigner(_sealed(stolen), Owner(ORGANIZATION, PROJECT), _masters(server.data))
        hand = Hand(signer.public_key, signer.sign)
        his = thief.document(_pointer(server.origin), hand, stage.cast.evil.spki_sha256)
        stage.let_thief_in(his, server.origin)
    stage.report.tell("the server is switched off; the CDN serves the folder of the operator's own machine now")
    stage.livepin("keyset", "revoke", key, "--anchor", _ANCHOR, remedy=True)
    stage.livepin("publish", "--no-confirm", remedy=True)
    stage.cdn.move(stage.work / "public")
    stage.wait_until_safe()
    with stage.refused("his document again", "rolled_back", "V8"):
        stage.cdn.hijack(POINTER, his)
    with stage.refused("the server's key under the new key set", "key_revoked", "V3"):
        stage.cdn.hijack(POINTER, thief.document(stage.published(), hand, stage.cast.evil.spki_sha256))


def _keyed_project(stage: Stage, server: Server) -> str:
    """A project whose anchor is the operator's; the server's key is named by its key set. Its thumbprint."""
    project_on(stage, server, PROJECT)
    (key,) = server.ask("GET", f"{_SHOP}/keys")["items"]
    stage.begin("--anchor", _ANCHOR)
    stage.livepin("keyset", "rotate", "--keep-key", "--signing-key", key["public_key"], "--anchor", _ANCHOR)
    texts = (stage.work / "keyset.jws").read_text("ascii").split()
    server.ask("PUT", f"{_SHOP}/keyset", {"keys": texts, "anchors": [stage.embedded()["public_key"]]})
    server.publish(f"{_SHOP}/publishes")
    return str(key["thumbprint"])


def project_on(stage: Stage, server: Server, name: str) -> None:
    """A project of the server that pins the service."""
    path = f"/organizations/{ORGANIZATION}/projects/{name}"
    pins = [{"spki_sha256": one.spki_sha256} for one in (stage.cast.genuine, stage.cast.backup)]
    policy = {"action": "enforce", "pins": pins, "address": f"127.0.0.1:{stage.service.port}"}
    server.ask("POST", f"/organizations/{ORGANIZATION}/projects", {"project": name})
    server.ask("PATCH", path, {"ca_pem": stage.cast.authority.root_pem})
    server.ask("PATCH", f"{path}/draft", {"refresh_after": stage.refresh_after})
    server.ask("PUT", f"{path}/draft/hosts/{HOST}", policy)


def _without_master_key(stage: Stage, server: Server, stolen: Path) -> None:
    """The database alone: keys are sealed, and tokens are hashes."""
    sealed, owner = _sealed(stolen), Owner(ORGANIZATION, PROJECT)
    (master,) = _masters(server.data)
    guesses: tuple[tuple[str, Owner, list[MasterKey]], ...] = (
        ("without a master key", owner, []),
        ("by a master key of his own", owner, [MasterKey.generate(master.id)]),
        ("as that of another project", Owner(ORGANIZATION, "his"), [master]),
    )
    for what, claimed, masters in guesses:
        try:
            ManagedSigner(sealed, claimed, masters).sign(b"")
            stage.report.claim(f"the sealed key does not open {what}", False)
        except KeyUnusable as error:
            stage.report.refuses(f"the sealed key, {what}", error.code, "AES-256-GCM")
    for kept in _rows(stolen, "SELECT secret_hash FROM livepin_apitoken"):
        refusal = server.refusal("GET", "/me", token=kept)
        stage.report.claim("what is kept of a token is no token", isinstance(refusal, Unauthenticated))


def _copy(database: Path, to: Path) -> None:
    """A copy of a database that is in use, whole."""
    with contextlib.closing(sqlite3.connect(database)) as one, contextlib.closing(sqlite3.connect(to)) as other:
        one.backup(other)
    to.chmod(0o600)


def _rows(database: Path, query: str) -> list[str]:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return [str(value) for (value,) in connection.execute(query)]


def _sealed(database: Path) -> str:
    (found,) = _rows(database, "SELECT sealed FROM livepin_key")
    return found


def _masters(data: Path) -> list[MasterKey]:
    from livepin.server import keyring
    from livepin.server.config import load

    return list(keyring.masters(load({"LIVEPIN_SERVER_DATA": str(data)}, data)))


def _pointer(origin: Path) -> str:
    return origin.joinpath(POINTER).read_text("ascii")


def token(stage: Stage) -> None:
    """He has a token that may publish, out of a build machine's settings. He has no key, and needs none."""
    with Server(stage.folder) as server:
        for name in (PROJECT, "other"):
            project_on(stage, server, name)
        server.publish(f"{_SHOP}/publishes")
        stage.cdn.move(server.origin)
        wish = {"name": "build machine", "scope": "publish", "project": PROJECT}
        made = server.ask("POST", f"/organizations/{ORGANIZATION}/tokens", wish)
        about = server.ask("GET", _SHOP)
        stage.start_pinned(
            organization_id=ORGANIZATION,
            project_id=PROJECT,
            public_key=about["anchors"],
            configuration_url=stage.cdn.url,
        )
        _limits(stage, server, made["token"])
        _publishes(stage, server, made["token"])
        stage.variables = server.signed_in(f"{ORGANIZATION}/{PROJECT}")
        stage.livepin("token", "revoke", made["id"], remedy=True)
        stage.livepin("rollback", "1", remedy=True)
        stage.wait_until_safe()
        refusal = server.refusal("POST", f"{_SHOP}/publishes", {}, token=made["token"])
        stage.report.claim("the revoked token publishes nothing", isinstance(refusal, Unauthenticated))
        stage.report.refuses("the revoked token", _code(refusal), "API")
        told = server.ask("GET", f"/organizations/{ORGANIZATION}/audit")["items"]
        named = [one for one in told if one["actor"] == f"token {made['id']}"]
        stage.report.claim("the audit trail names what was done with it", bool(named))


def _limits(stage: Stage, server: Server, text: str) -> None:
    """What the token may not."""
    organization = f"/organizations/{ORGANIZATION}"
    tries: list[tuple[str, str, str, Any]] = [
        ("a token that lasts", "POST", f"{organization}/tokens", {"scope": "publish", "days": 366}),
        ("another signing key", "POST", f"{_SHOP}/keys", {}),
        ("a key set of his own", "PUT", f"{_SHOP}/keyset", {"keys": ["e30.e30.AA"]}),
        ("another member", "POST", f"{organization}/invitations", {"email": "thief@example.com", "role": "owner"}),
        ("another project", "POST", f"{organization}/projects/other/publishes", {}),
    ]
    for what, method, path, body in tries:
        refusal = server.refusal(method, path, body, token=text)
        if not isinstance(refusal, (Forbidden, NotFound)):
            stage.report.claim(f"{what} is not for this token: {refusal}", False)
        stage.report.refuses(what, _code(refusal), "API")


def _code(refusal: LivepinError | None) -> str:
    return "nothing" if refusal is None else refusal.code


def _publishes(stage: Stage, server: Server, text: str) -> None:
    """He pins his own key, and has the server sign it."""
    pins = {"pins": [{"spki_sha256": stage.cast.evil.spki_sha256}]}
    server.ask("POST", f"{_HOSTS}/pins", pins, token=text)
    server.publish(f"{_SHOP}/publishes", token=text)
    time.sleep(MAX_AGE)
    stage.application.refresh()
    stage.application.wait(lambda: stage.application.lets_in("thief"), stage.patience, "the thief is let in")
    stage.report.claim("the thief publishes with it: the application lets him in", stage.application.lets_in("thief"))
