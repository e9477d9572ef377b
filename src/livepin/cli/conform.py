"""The conformance door: one JSON answer for one JSON line (docs/conform.md; design section 9).

Other implementations of Livepin, and anyone's own test data, are held against this one here. A bad line is answered
and never stops the door.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from livepin.core import ct_policy, freshness, jws, sct, strictjson
from livepin.core.base64s import b64, b64_decode
from livepin.core.document import LOG_KINDS, Document
from livepin.core.hosts import matches, parse_pattern
from livepin.core.judge import Peer, judge
from livepin.core.jws import PublicKey
from livepin.core.logs import Log, LogList
from livepin.core.pins import Certificate, certificates_of_pem, digests_of_pem
from livepin.core.sct import Delivered, Delivery
from livepin.core.trust import Arrival, Revision, Trust, effective_now, verify, verify_held
from livepin.core.verdict import SctEvidence
from livepin.errors import DocumentRefused, EncodingInvalid, JsonInvalid, LivepinError, RequestInvalid, StatementIgnored

Answer = dict[str, Any]


def run(lines: TextIO, answers: TextIO) -> None:
    """Answer every line until the input ends."""
    for line in lines:
        answers.write(json.dumps(answer(line), separators=(",", ":")) + "\n")
        answers.flush()


def answer(line: str) -> Answer:
    """Answer to one line. Never raises."""
    request: Any = None
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        return _no(None, RequestInvalid("request_invalid", "the line is not JSON"))
    if type(request) is not dict:
        return _no(None, RequestInvalid("request_invalid", "the line is not a JSON object"))
    name = request.get("id")
    try:
        return {"id": name, **_dispatch(request, line)}
    except LivepinError as error:
        return _no(name, error)


def _dispatch(request: Mapping[str, Any], line: str) -> Answer:
    do = request.get("do")
    handler = _HANDLERS.get(do) if type(do) is str else None
    if handler is None:
        raise RequestInvalid("request_invalid", f"do is none of {', '.join(_HANDLERS)}")
    return handler(_Request(request, line))


def _no(name: Any, error: LivepinError) -> Answer:
    refused: Answer = {"id": name, "ok": False, "code": error.code, "message": error.message}
    if isinstance(error, DocumentRefused):
        refused["step"] = error.step
    return refused


class _Request:
    """A request whose members are asked for by type."""

    def __init__(self, members: Mapping[str, Any], line: str) -> None:
        self.members = members
        self.line = line

    def has(self, name: str) -> bool:
        return name in self.members

    def text(self, name: str) -> str:
        return str(self._typed(name, str, "a string"))

    def number(self, name: str) -> int:
        return int(self._typed(name, int, "an integer"))

    def object(self, name: str) -> dict[str, Any]:
        return dict(self._typed(name, dict, "an object"))

    def texts(self, name: str) -> list[str]:
        values = self._typed(name, list, "an array of strings")
        if any(type(value) is not str for value in values):
            raise RequestInvalid("request_invalid", "is not an array of strings", where=name)
        return list(values)

    def objects(self, name: str) -> list[dict[str, Any]]:
        values = self._typed(name, list, "an array of objects")
        if any(type(value) is not dict for value in values):
            raise RequestInvalid("request_invalid", "is not an array of objects", where=name)
        return list(values)

    def _typed(self, name: str, kind: type, what: str) -> Any:
        value = self.members.get(name)
        if type(value) is not kind:
            raise RequestInvalid("request_invalid", f"is not {what}", where=name)
        return value


def _document(request: _Request) -> Answer:
    anchors = tuple(PublicKey.from_text(text) for text in request.texts("anchors"))
    threshold = request.number("threshold") if request.has("threshold") else 1
    if threshold < 1:
        raise RequestInvalid("request_invalid", "is below 1", where="threshold")
    trust = Trust(request.text("organization"), request.text("project"), anchors, threshold)
    held = _held(request.text("held"), trust) if request.has("held") else None
    now = request.number("now")
    arrival = verify(request.text("jws"), trust, now, held)
    revision, expires_at = arrival.revision, arrival.revision.expires_at
    told: Answer = {}
    if request.has("fresh"):
        arrival, expires_at, told = _beside(request.text("fresh"), arrival, effective_now(now, held))
    return {
        "ok": True,
        "epoch": revision.epoch,
        "serial": revision.serial,
        "digest": revision.digest,
        "fresh": arrival.fresh,
        "adopted": arrival.adopted,
        "expires_at": expires_at,
        **told,
    }


def _beside(text: str, arrival: Arrival, now: float) -> tuple[Arrival, int, Answer]:
    """The document beside a freshness statement: one that is ignored is told of, and changes nothing."""
    try:
        statement = freshness.verify(text, arrival.revision, now)
    except StatementIgnored as error:
        return arrival, arrival.revision.expires_at, {"ignored": {"code": error.code, "step": error.step}}
    return freshness.prolong(arrival, statement, now), statement.until, {"ignored": None}


def _held(text: str, trust: Trust) -> Revision | None:
    """What these anchors do not vouch for gives no floor: it counts as absent."""
    try:
        return verify_held(text, trust)
    except DocumentRefused:
        return None


def _jws(request: _Request) -> Answer:
    """The signature layer alone: `kid` and `typ` may be absent or anything; V1, the algorithm, V4."""
    key = PublicKey.from_jwk(request.object("jwk"))
    compact = jws.split(request.text("jws"))
    members = jws.read_members(compact.header)
    if members.keys() - {"alg", "kid", "typ"} or type(members.get("alg")) is not str:
        raise DocumentRefused("header_invalid", "V2", "the header has other members than alg, kid and typ, or no alg")
    if members["alg"] not in jws.ALGORITHMS:
        raise DocumentRefused("algorithm_refused", "V2", "the algorithm is not used")
    jws.check_signature(compact, members["alg"], key)
    return {"ok": True, "payload": b64(compact.payload)}


def _host(request: _Request) -> Answer:
    suffixes = request.texts("public_suffixes") if request.has("public_suffixes") else ()
    host = request.text("host")
    pattern = parse_pattern(request.text("pattern"), frozenset(suffixes))
    return {"ok": True, "match": matches(pattern, host)}


def _pin(request: _Request) -> Answer:
    return {"ok": True, **digests_of_pem(request.text("pem"))}


def _judge(request: _Request) -> Answer:
    _check_strictness(request)
    document = Document.from_payload(request.object("payload"))
    verdict = judge(document, _peer(request), request.number("now"), installation=_installation(request))
    pin = verdict.pin
    return {
        "ok": True,
        "outcome": verdict.outcome,
        "code": verdict.code,
        "pin": None if pin is None else {pin.member: pin.digest},
        "serial": verdict.serial,
        "unvalidated": verdict.unvalidated,
        "pattern": verdict.pattern,
        "reasons": verdict.reasons,
        "ct_evaluated": verdict.ct_evaluated,
        "scts": [_evidence(one) for one in verdict.scts],
    }


def _check_strictness(request: _Request) -> None:
    """The payload is held to V5, so its text must be strict JSON too: one level deeper, being inside the line."""
    try:
        strictjson.loads(request.line.encode("utf-8", "surrogatepass"), max_depth=strictjson.MAX_DEPTH + 1)
    except JsonInvalid as error:
        raise DocumentRefused("payload_invalid", "V5", error.message) from None


def _peer(request: _Request) -> Peer:
    validated = request.members.get("validated", True)
    if type(validated) is not bool:
        raise RequestInvalid("request_invalid", "is neither true nor false", where="validated")
    return Peer(request.text("host"), _chain(request), validated, delivered=_delivered(request))


def _chain(request: _Request) -> tuple[Certificate, ...]:
    chain: tuple[Certificate, ...] = ()
    for pem in request.texts("chain"):
        chain += certificates_of_pem(pem)
    return chain


def _delivered(request: _Request) -> tuple[Delivered, ...]:
    """SCTs that came by TLS or OCSP, as Base64 of the list."""
    lists = request.object("delivered") if request.has("delivered") else {}
    try:
        return tuple(Delivered(Delivery(name), b64_decode(text)) for name, text in lists.items())
    except (ValueError, TypeError, AttributeError):
        raise RequestInvalid("request_invalid", "is not tls and ocsp, each in Base64", where="delivered") from None


def _sct(request: _Request) -> Answer:
    """Every SCT of a certificate, whatever the logs' states: what was signed, by whom."""
    chain = _chain(request)
    if not chain:
        raise RequestInvalid("request_invalid", "is empty", where="chain")
    now = request.number("now") if request.has("now") else None
    logs = LogList(0, map(_log, (entry for entry in request.objects("logs") if entry.get("kind") in _KINDS)))
    checked = sct.check(chain[0], chain[1] if len(chain) > 1 else None, logs, _delivered(request))
    return {"ok": True, "scts": [_shown(one.sct, one.at(now)) for one in checked.scts]}


#: An entry without `kind` will do here: the bytes that a log signs do not depend on it.
_KINDS = (*LOG_KINDS, None)


def _log(entry: Mapping[str, Any]) -> Log:
    try:
        return Log(str(entry["id"]), b64_decode(entry["key"]), "")
    except (KeyError, TypeError, AttributeError, EncodingInvalid):
        raise RequestInvalid("request_invalid", "has an entry without id and key in Base64", where="logs") from None


def _shown(one: sct.Sct | SctEvidence, verdict: str) -> Answer:
    return {
        "log_id": one.log_id,
        "timestamp": one.timestamp,
        "leaf_index": one.leaf_index,
        "verdict": verdict,
    }


def _evidence(one: SctEvidence) -> Answer:
    more = {"operator": one.operator, "delivery": one.delivery, "counts": one.counts, "ignored": one.ignored}
    return {**_shown(one, one.verdict), **more}


def _ct(request: _Request) -> Answer:
    """A rule and a list are checked as in a document, so they are put into one."""
    host = {"host": "ct", "action": "enforce", "ct": request.object("ct")}
    payload = {**_EMPTY, "hosts": [host], **({"ct_logs": request.object("ct_logs")} if request.has("ct_logs") else {})}
    document = Document.from_payload(payload)
    rule, now = document.policy("ct").ct, request.number("now")
    result = ct_policy.evaluate(rule, document.ct_logs, _chain(request), now, _delivered(request))
    return {
        "ok": True,
        "satisfied": result.satisfied,
        "evaluated": result.evaluated,
        "reasons": [reason.code for reason in result.reasons],
        "texts": [reason.text for reason in result.reasons],
        "scts": [_evidence(one) for one in result.scts],
    }


_EMPTY = {"format": 1, "organization": "ct", "project": "ct", "serial": 1, "issued_at": 0, "expires_at": 0}


def _installation(request: _Request) -> str:
    if not request.has("installation"):
        return ""
    text = request.text("installation")
    if len(text) != 32 or text.strip("0123456789abcdef"):
        raise RequestInvalid("request_invalid", "is not 32 lower-case hex digits", where="installation")
    return text


_HANDLERS: dict[str, Callable[[_Request], Answer]] = {
    "document": _document,
    "jws": _jws,
    "host": _host,
    "pin": _pin,
    "judge": _judge,
    "sct": _sct,
    "ct": _ct,
}
