"""J7: what becomes of every SCT of a certificate. The logs are the maker's own."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.vectors.making.cases import Case, Json, invalid
from tests.vectors.making.ct_writer import (
    ALL_LOGS,
    ECDSA,
    GRANITE,
    LOGGED,
    NORTH,
    OAK,
    POISON,
    RSA,
    SCT_LIST,
    SLATE,
    STRANGER,
    UNREADABLE,
    Log,
    certificate_entry,
    chain_of,
    entry_of,
    leaf,
    leaf_index,
    list_extension,
    logged,
    precertificate_entry,
    sct_case,
    sct_list,
    shown,
    sized,
    with_list,
    with_scts,
)
from tests.vectors.making.keys import P256Key, b64, raw, sha256
from tests.vectors.making.writer import DAY, NOW
from tests.vectors.making.x509 import INTERCEPTED, ROOT, Certificate, certificate, compressed_spki, extension, tlv

_ENTRY = entry_of()


def good_cases() -> Iterator[Case]:
    """SCTs that verify, also where a reader might stumble."""
    plain = [
        ("rfc6962", "An SCT of a P-256 log", NORTH),
        ("static", "An SCT of a static-CT log: its extension is signed too", SLATE),
        ("rsa", "An SCT of an RSA log", GRANITE),
    ]
    for name, about, log in plain:
        yield sct_case(name, about, logged(log), [shown(log)])
    yield sct_case("all", "An SCT of every log", logged(*ALL_LOGS), [shown(log) for log in ALL_LOGS])
    yield sct_case("none", "A certificate without SCTs", leaf(), [])
    two = with_scts([NORTH.sct(_ENTRY), NORTH.sct(_ENTRY, at=LOGGED + 1), NORTH.sct(_ENTRY)])
    times = [shown(NORTH), shown(NORTH, at=LOGGED + 1), shown(NORTH)]
    yield sct_case("same-log", "Several SCTs of one log, two of them the same", two, times)
    usage = extension("2.5.29.37", b"\x30\0")
    first = leaf(list_extension([NORTH.sct(_with(usage))]), usage)
    yield sct_case("list-not-last", "The list stands between other extensions", first, [shown(NORTH)])
    critical = leaf(list_extension([NORTH.sct(_ENTRY)], critical=True))
    yield sct_case("list-critical", "The list is marked critical", critical, [shown(NORTH)])
    for name, about, extensions, index in (
        ("leaf-index-largest", "The largest index", leaf_index(2**40 - 1), 2**40 - 1),
        ("leaf-index-0", "The index 0", leaf_index(0), 0),
        ("leaf-index-behind-another", "An index behind an unknown extension", b"\x07\0\2ab" + leaf_index(5), 5),
        ("extension-unknown", "An unknown extension alone", b"\x07\0\2ab", None),
        ("extension-opaque", "Bytes that are no extensions: to RFC 6962 they may be anything", b"\x01\x02", None),
    ):
        found = with_scts([NORTH.sct(_ENTRY, extensions=extensions)])
        yield sct_case(name, f"{about}, signed by the log", found, [shown(NORTH, index=index)])
    ahead = logged(NORTH, at=NOW + 300)
    yield sct_case("ahead-300", "An SCT 300 seconds ahead of the clock", ahead, [shown(NORTH, at=NOW + 300)])
    late = logged(NORTH, at=NOW + DAY)
    yield sct_case("ahead-no-clock", "An SCT of tomorrow, and nobody asks for the time", late,
                   [shown(NORTH, at=NOW + DAY)], now=None)  # fmt: skip
    states = [log.entry(state="rejected", **{"from": 1, "until": 2}) for log in ALL_LOGS]
    yield sct_case("state-does-not-matter", "A rejected log whose interval is over signed all the same",
                   logged(NORTH), [shown(NORTH)], logs=states)  # fmt: skip
    bare = [{"id": log.id, "key": b64(log.key)} for log in ALL_LOGS]
    about = "Logs of which nothing is told but ID and key"
    yield sct_case("bare-logs", about, logged(SLATE), [shown(SLATE)], logs=bare)
    yield _compressed_issuer()
    whole = leaf()
    for delivery in ("tls", "ocsp"):
        value = b64(sct_list([NORTH.sct(certificate_entry(whole.der)), SLATE.sct(certificate_entry(whole.der))]))
        yield sct_case(f"by-{delivery}", f"SCTs handed over by {delivery.upper()}: over the whole certificate", whole,
                       [shown(NORTH), shown(SLATE)], delivered={delivery: value})  # fmt: skip


def _with(*extensions: bytes) -> bytes:
    return precertificate_entry(leaf(*extensions).tbs)


def _compressed_issuer() -> Case:
    """An issuer whose key a reader would encode differently: the log hashed the bytes as they stand."""
    key = P256Key("issuing")
    spki = compressed_spki(key)
    issuer = certificate("Vectors Issuing", spki, "Vectors Root", P256Key("root"), authority=True)
    found = with_scts([NORTH.sct(precertificate_entry(leaf().tbs, spki))])
    about = "The issuer's key is encoded in its own way, and hashed as it stands"
    return sct_case("issuer-key-as-it-stands", about, found, [shown(NORTH)], chain=[found, issuer, ROOT])


def changed_cases() -> Iterator[Case]:
    """A log signed, and something is not what it signed."""
    other = with_scts([NORTH.sct(entry_of(name="other.example.com"))])
    yield _bad("of-another-certificate", "An SCT of another certificate", other)
    entry = precertificate_entry(leaf().tbs, ROOT.spki)
    yield _bad("of-another-issuer", "The log signed for another issuer", with_scts([NORTH.sct(entry)]))
    yield _bad("as-x509-entry", "The log signed a certificate, not a precertificate",
               with_scts([NORTH.sct(certificate_entry(leaf().tbs))]))  # fmt: skip
    good = logged(NORTH)
    yield _bad("chain-without-issuer", "Nobody says who issued the certificate", good, chain=[good])
    yield _bad("chain-wrong-issuer", "The next certificate is not the issuer", good, chain=[good, ROOT])
    yield _bad("chain-of-interceptor", "The next certificate is an interceptor's", good, chain=[good, *INTERCEPTED])
    for name, about, change in (
        ("time", "The time is a millisecond later than signed", lambda one: _moved(one, 33, 1)),
        ("index", "The index is not the one that was signed", lambda one: one[:50] + b"\0" + one[51:]),
        ("no-index", "The index that was signed is left out", lambda one: one[:41] + b"\0\0" + one[51:]),
    ):
        changed = change(SLATE.sct(_ENTRY))
        at = (LOGGED * 1000 + 1) if name == "time" else LOGGED * 1000
        index = {"time": 1234, "index": 1234 // 256 * 256, "no-index": None}[name]
        answer = {**shown(SLATE, "bad_signature"), "timestamp": at, "leaf_index": index}
        yield sct_case(f"changed-{name}", about, with_scts([changed]), [answer], hostile=True)
    yield _bad("signature-raw", "The signature is r and s, not DER",
               with_scts([NORTH.sct(_ENTRY, sign=lambda data: raw(*P256Key(NORTH.label).numbers(data)))]))  # fmt: skip
    yield _bad("signature-empty", "An empty signature", with_scts([NORTH.sct(_ENTRY, sign=lambda data: b"")]))
    yield _bad("signature-sha512", "Signed over SHA-512, and said to be over SHA-256",
               with_scts([NORTH.sct(_ENTRY, sign=_sign_sha512)]))  # fmt: skip
    yield _bad("signature-of-a-stranger", "Signed by a stranger in the log's name",
               with_scts([NORTH.sct(_ENTRY, sign=STRANGER.sign)]))  # fmt: skip
    yield _bad("algorithm-of-rsa", "Said to be RSA, by a P-256 log", with_scts([NORTH.sct(_ENTRY, algorithm=RSA)]))
    swapped = with_scts([GRANITE.sct(_ENTRY, algorithm=ECDSA)])
    yield _bad("algorithm-of-ecdsa", "Said to be ECDSA, by an RSA log", swapped, log=GRANITE)
    for name, about, old, new in (
        ("name", "Another host name than the log saw", b"api.example.com", b"apj.example.com"),
        ("not-after", "A longer life than the log saw", b"261130", b"271130"),
        ("key", "Another key than the log saw", P256Key("api.example.com").point[1:33], sha256("another x")),
        (
            "serial",
            "Another serial number than the log saw",
            sha256("serial of api.example.com")[:8],
            sha256("another serial number")[:8],
        ),
    ):
        yield _bad(f"certificate-{name}", about, _forged(good, old, new))


def _moved(sct: bytes, place: int, by: int) -> bytes:
    moment = int.from_bytes(sct[place : place + 8], "big") + by
    return sct[:place] + moment.to_bytes(8, "big") + sct[place + 8 :]


def _sign_sha512(data: bytes) -> bytes:
    return P256Key(NORTH.label).private.sign(data, ec.ECDSA(hashes.SHA512(), deterministic_signing=True))


def _forged(good: Certificate, old: bytes, new: bytes) -> Certificate:
    """A certificate with other bytes in it; its own signature is then wrong too, which is not what is asked."""
    if old not in good.der or len(old) != len(new):
        raise ValueError("nothing would change")
    return Certificate(good.der.replace(old, new), good.spki, good.tbs.replace(old, new))


def _bad(
    name: str, about: str, found: Certificate, *, chain: Sequence[Certificate] | None = None, log: Log = NORTH
) -> Case:
    return sct_case(name, about, found, [shown(log, "bad_signature")], hostile=True, chain=chain)


def unknown_cases() -> Iterator[Case]:
    """Logs that are not known, and SCTs from the future."""
    beside = [shown(NORTH), shown(STRANGER, "unknown_log"), shown(OAK)]
    yield sct_case("unknown-log", "A log that no list names, between two known ones", logged(NORTH, STRANGER, OAK),
                   beside, hostile=True)  # fmt: skip
    yield sct_case("no-logs", "No list at all", logged(NORTH), [shown(NORTH, "unknown_log")], logs=[])
    lying = [{**NORTH.entry(), "id": OAK.id}]
    yield sct_case("id-of-another-key", "An ID that is not the digest of its key", logged(NORTH, OAK),
                   [shown(NORTH, "unknown_log"), shown(OAK, "unknown_log")], logs=lying, hostile=True)  # fmt: skip
    yield sct_case("kind-unknown", "A log of a kind that nobody knows is skipped", logged(NORTH),
                   [shown(NORTH, "unknown_log")], logs=[NORTH.entry(kind="tree-of-life")])  # fmt: skip
    # One of the two logs whose private keys are public; a reader that knew no better would ask its key.
    mimic = "dO/+dnH/NZSBSLmmN9u2h4HNTnCOLeU+oMBiRynIvQ8zt2ft0IMyO90e5nwSaCdYvA4JVGzCMarfs9DcNxFY1g=="
    entry = {"id": "9EGV1vAOLbVUNcrdV3iS5T4VrUFwWPh44U/2uRh0FYk=", "key": _MIMIC_PREFIX + mimic, "kind": "rfc6962"}
    claimed = _as_log(NORTH.sct(_ENTRY), entry["id"])
    answer = {**shown(NORTH, "unknown_log"), "log_id": entry["id"]}
    yield sct_case("mimic", "A log whose private key is public, though the list names it", with_scts([claimed]),
                   [answer], logs=[entry], hostile=True)  # fmt: skip
    yield sct_case("future", "An SCT 301 seconds ahead of the clock", logged(NORTH, at=NOW + 301),
                   [shown(NORTH, "future", at=NOW + 301)], hostile=True)  # fmt: skip
    both = with_scts([NORTH.sct(_ENTRY, at=NOW + DAY, sign=STRANGER.sign)])
    yield sct_case("future-and-bad", "From the future, and by a stranger: the latter is said", both,
                   [shown(NORTH, "bad_signature", at=NOW + DAY)], hostile=True)  # fmt: skip


# What every SPKI of a P-256 key begins with: 27 bytes, so that Base64 may be put behind Base64.
_MIMIC_PREFIX = b64(P256Key(NORTH.label).spki[:27])


def _as_log(sct: bytes, log_id: str) -> bytes:
    return sct[:1] + base64.b64decode(log_id) + sct[33:]


def malformed_cases() -> Iterator[Case]:
    """What cannot be used must not take what stands beside it along."""
    sct = NORTH.sct(_ENTRY)
    readable = shown(NORTH, "malformed")
    table: list[tuple[str, str, Callable[[bytes], bytes], Json]] = [
        ("version", "Of version 2", lambda one: b"\1" + one[1:], UNREADABLE),
        ("empty", "Empty", lambda one: b"", UNREADABLE),
        ("truncated-id", "Cut off in the log ID", lambda one: one[:20], UNREADABLE),
        ("truncated", "Cut off in the signature", lambda one: one[:-1], readable),
        ("trailing", "Followed by a byte", lambda one: one + b"\0", readable),
        ("hash-sha1", "Signed over SHA-1, it says", lambda one: one[:43] + b"\2" + one[44:], readable),
        ("hash-sha512", "Signed over SHA-512, it says", lambda one: one[:43] + b"\6" + one[44:], readable),
        ("hash-unknown", "Signed over a hash that nobody knows", lambda one: one[:43] + b"\x63" + one[44:], readable),
        ("algorithm-ed25519", "Signed with Ed25519, it says", lambda one: one[:44] + b"\7" + one[45:], readable),
        ("algorithm-anonymous", "Not signed, it says", lambda one: one[:44] + b"\0" + one[45:], readable),
    ]
    for name, about, change, answer in table:
        found = with_scts([SLATE.sct(_ENTRY), change(sct), OAK.sct(_ENTRY)])
        about = f"{about}: malformed, and the SCTs beside it are read"
        yield sct_case(f"malformed-{name}", about, found, [shown(SLATE), answer, shown(OAK)], hostile=True)
    twice = with_scts([SLATE.sct(_ENTRY, extensions=leaf_index(1) + leaf_index(2))])
    yield sct_case("malformed-two-indexes", "Two indexes in one SCT, both signed", twice,
                   [{**shown(SLATE, "malformed"), "leaf_index": None}], hostile=True)  # fmt: skip
    value = sct_list([sct, OAK.sct(_ENTRY)])
    lists: list[tuple[str, str, bytes]] = [
        ("longer", "The list says that it is longer than it is", sized(value[2:] + b"\0")[:-1]),
        ("shorter", "The list says that it is shorter than it is", (len(value) - 3).to_bytes(2, "big") + value[2:]),
        ("overrun", "An SCT says that it ends behind the list", value[:2] + b"\xff\xff" + value[4:]),
        ("empty", "A list of no SCTs, which RFC 6962 does not have", b"\0\0"),
        ("nothing", "No list, where one should be", b""),
    ]
    for name, about, broken in lists:
        yield sct_case(f"list-{name}", about, with_list(broken), [UNREADABLE], hostile=True)
    strange = leaf(extension(SCT_LIST, tlv(0x0C, value)))
    yield sct_case("list-no-octets", "The list is not in an OCTET STRING", strange, [UNREADABLE], hostile=True)


def precertificate_cases() -> Iterator[Case]:
    poison = extension(POISON, b"\5\0", critical=True)
    yield sct_case("precertificate", "A precertificate, which has no SCTs yet", leaf(poison), [], hostile=True)
    both = leaf(poison, list_extension([NORTH.sct(_with(poison))]))
    yield sct_case("poison-and-scts", "A precertificate with SCTs that verify: no server may use it", both,
                   [shown(NORTH, "malformed")], hostile=True)  # fmt: skip
    twice = leaf(list_extension([NORTH.sct(_ENTRY)]), list_extension([OAK.sct(_ENTRY)]))
    request = {"do": "sct", "chain": [one.pem for one in chain_of(twice)], "logs": [NORTH.entry(), OAK.entry()]}
    yield Case("sct-list-twice", "Two lists in one certificate.", "J7", invalid("certificate_invalid"), True, request)
    request = {"do": "sct", "chain": [], "logs": []}
    yield Case("sct-chain-empty", "No certificate.", "door", invalid("request_invalid"), True, request)
    request = {"do": "sct", "chain": [leaf().pem], "logs": [{"id": NORTH.id}]}
    yield Case("sct-log-without-key", "A log without its key.", "door", invalid("request_invalid"), True, request)


def all_cases() -> Iterator[Case]:
    yield from good_cases()
    yield from changed_cases()
    yield from unknown_cases()
    yield from malformed_cases()
    yield from precertificate_cases()
