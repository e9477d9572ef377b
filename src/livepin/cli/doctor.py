"""`livepin doctor`: proof, not promise, that pins are enforced by this Python on this machine.

A TLS server of its own stands in for the service. A connection without pins must reach it, or the rest would prove
nothing; then a deliberately wrong pin must be refused before one byte arrives, and the right one let through. For a
project it also fetches what applications fetch, and says how old it is.
"""

from __future__ import annotations

import http.client
import logging
import ssl
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

import livepin
from livepin.author.ct_logs import FILE_NAME as LOG_TABLE
from livepin.author.keys import list_keys
from livepin.author.project import FILE_NAME
from livepin.author.signers.places import PemPlace
from livepin.cli.desk import Desk
from livepin.cli.exits import Exit
from livepin.cli.findings import sign_again_by
from livepin.cli.options import directory_option, json_option
from livepin.cli.output import Output, age, moment, table
from livepin.core.base64s import b64
from livepin.core.guard import OLD_LIST
from livepin.core.trust import Revision, verify
from livepin.errors import DocumentRefused, FetchFailed, OriginFailed, ProjectInvalid
from livepin.publish import public
from livepin.publish.deliver import published
from livepin.testing.cast import Cast
from livepin.testing.origin import Origin
from livepin.testing.publisher import DocumentAuthority, policy
from livepin.testing.tls import TlsServer

_HOST = "localhost"
_TIMEOUT = 5.0
#: A digest that no key has: refusing it is what shows that pins are looked at.
_WRONG_PIN = b64(b"this is the digest of no key....")


@dataclass(frozen=True, slots=True)
class Examination:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str


@click.command()
@directory_option
@json_option
def doctor(directory: Path, as_json: bool) -> int:
    """Prove that enforcement works here; in a project's folder, also that its document is in good health."""
    out = Output(as_json)
    # The refusal is what is wanted here: the pinner's warning about it would only frighten.
    logging.getLogger("livepin").addHandler(logging.NullHandler())
    out.progress("connecting to a server of our own, without pins, with a wrong one and with the right one")
    found = list(_enforcement())
    if (directory / FILE_NAME).exists():
        out.progress("looking at the project's document")
        found += _health(Desk.open(directory))
    else:
        out.note(f"there is no {FILE_NAME} here, so no project was looked at")
    healthy = all(one.ok for one in found)
    rows = [("ok" if one.ok else "FAILED", one.name, one.detail) for one in found]
    out.result({"healthy": healthy, "examinations": [asdict(one) for one in found]}, table(rows))
    return Exit.OK if healthy else Exit.NO


def _enforcement() -> Iterator[Examination]:
    cast = Cast(_HOST)
    with TlsServer(cast.genuine) as server:
        plain = _connect(server, ssl.create_default_context(cadata=cast.authority.root_pem))
        reached = server.application_bytes > 0
        yield Examination("without pins: connected", not plain and reached, plain or "bytes reached the server")
        yield _judged(server, cast, _WRONG_PIN)
        yield _judged(server, cast, cast.genuine.spki_sha256)


def _judged(server: TlsServer, cast: Cast, pin: str) -> Examination:
    """One connection under a document of our own with this pin, through a pinner of our own."""
    authority = DocumentAuthority("livepin", "doctor")
    with Origin() as origin:
        origin.put(authority.pointer, authority.sign([policy(_HOST, pin)]))
        with livepin.Pinner(
            organization_id=authority.organization,
            project_id=authority.project,
            public_key=authority.public_key,
            configuration_url=origin.base_url,
            store=None,
        ) as pinner:
            server.forget()
            error = _connect(server, pinner.ssl_context(cadata=cast.authority.root_pem))
    arrived = server.application_bytes
    if pin == _WRONG_PIN:
        refused = error.startswith("PinError") and arrived == 0
        return Examination("wrong pin: refused", refused, f"{error or 'connected'}; {arrived} bytes reached the server")
    return Examination("right pin: connected", not error and arrived > 0, error or "bytes reached the server")


def _connect(server: TlsServer, context: ssl.SSLContext) -> str:
    """Make a request; empty, or what went wrong."""
    connection = http.client.HTTPSConnection(_HOST, server.port, context=context, timeout=_TIMEOUT)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
        return ""
    except livepin.PinError as error:
        return f"PinError: {error.code}"
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()
        server.wait_until_idle()


def _health(desk: Desk) -> Iterator[Examination]:
    yield _signing_key(desk)
    if desk.project.keyset_file:
        try:
            yield from _keyset(desk)
        except (DocumentRefused, ProjectInvalid) as error:
            yield Examination("key set", False, f"{error.message} ({error.where})")
            return
    try:
        folder = published(desk.origin, desk.trust)
    except OriginFailed as error:
        yield Examination("published", False, error.message)
        return
    if folder is None:
        yield Examination("published", False, f"nothing that verifies in {desk.origin.name}")
        return
    yield Examination("published", True, f"{folder.epoch}.{folder.serial} in {desk.origin.name}")
    yield _age(folder)
    yield from _log_lists(desk, folder, time.time())
    if desk.url:
        yield _through_url(desk, folder)


def _signing_key(desk: Desk) -> Examination:
    place = desk.project.signer
    if not isinstance(place, PemPlace):
        return Examination("signing key", True, f"{place.text} (not asked: `livepin signer test` does)")
    key = desk.project.path(place.file)
    return Examination("signing key", key.exists(), str(key) if key.exists() else f"{key} is missing")


def _keyset(desk: Desk) -> Iterator[Examination]:
    """The key set, its life, who signed it, and where the anchors' private keys are."""
    signed = desk.keyset
    assert signed is not None
    now, keys = time.time(), signed.keyset
    due = "past two thirds of its life: `livepin keyset rotate`" if now >= signed.warn_at else ""
    life = due or f"rotate by {moment(signed.warn_at)}"
    yield Examination("key set", not due, f"epoch {keys.epoch}, expires {moment(keys.expires_at)}; {life}")
    named = desk.project.public_key.thumbprint in keys.signing_keys.keys() - keys.revoked
    yield Examination("named in it", named, "the signing key is" if named else "the signing key is NOT")
    missing = ", ".join(one.thumbprint for one in signed.missing(desk.project.anchors))
    everybody = f"signed by every one of them ({len(desk.project.anchors)})"
    yield Examination("anchors", not missing, f"not signed by {missing}" if missing else everybody)
    near = [one.path for one in list_keys(desk.project.directory) if one.thumbprint in desk.trust.anchors]
    near = [path for path in near if path.exists()]
    away = f"{near[0]} is an anchor: keep it elsewhere" if near else "none in this folder"
    yield Examination("anchor keys", not near, away)


def _age(revision: Revision) -> Examination:
    now = time.time()
    issued = f"issued {age(max(0.0, now - revision.issued_at))} ago"
    if now >= revision.expires_at:
        return Examination("life", False, f"{issued}, EXPIRED {moment(revision.expires_at)}: publish again")
    if now >= sign_again_by(revision):
        return Examination("life", False, f"{issued}, past half of its life: publish again")
    return Examination("life", True, f"{issued}, publish again by {moment(sign_again_by(revision))}")


def _log_lists(desk: Desk, revision: Revision, now: float) -> Iterator[Examination]:
    """How old what is known of CT's logs is (J7): in the document, which applications go by, and in the log table."""
    logs, table_ = revision.document.ct_logs, desk.log_table
    if logs is not None:
        until = f"CT is evaluated until {moment(int(logs.usable_until))}"
        yield _aging("log list", logs.issued_at, now, until if now < logs.usable_until else "CT IS NOT EVALUATED")
    reviewed = table_.issued_at() if table_ is not None else None
    if reviewed is not None:
        newer = logs is not None and reviewed > logs.issued_at
        yield _aging("log table", reviewed, now, "publish: the document has an older one" if newer else LOG_TABLE)


def _aging(name: str, issued_at: int, now: float, what: str) -> Examination:
    old = now - issued_at
    hint = ": `livepin ct logs import` or `review`, then publish" if old >= OLD_LIST else ""
    return Examination(name, old < OLD_LIST, f"{age(max(0.0, old))} old, {what}{hint}")


def _through_url(desk: Desk, folder: Revision) -> Examination:
    """What an application would make of the public URL on a first start."""
    name = "public URL"
    try:
        arrival = verify(public.read(desk.url, ca_file=desk.ca_file), desk.trust, time.time())
    except FetchFailed as error:
        return Examination(name, False, f"{error.message} ({desk.url})")
    except DocumentRefused as error:
        return Examination(name, False, f"{desk.url} serves what applications refuse: {error.message} ({error.step})")
    seen = arrival.revision
    number = f"{seen.epoch}.{seen.serial}"
    if seen.number != folder.number or not seen.is_copy_of(folder):
        return Examination(name, False, f"{desk.url} serves {number}, the folder holds {folder.epoch}.{folder.serial}")
    return Examination(name, arrival.adopted, f"{desk.url} serves {number}, {'fresh' if arrival.fresh else 'EXPIRED'}")
