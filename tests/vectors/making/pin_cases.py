"""The four digests of a certificate, over bytes exactly as they stand in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.vectors.making.cases import NOT_OK, Case, Json
from tests.vectors.making.keys import ANNA, EDDA, P256Key, pem, sha256
from tests.vectors.making.x509 import (
    HONEST,
    INTERCEPTED,
    ISSUING,
    LEAF,
    ROOT,
    Certificate,
    certificate,
    compressed_spki,
    lattice_spki,
    rsa_spki,
    spki_digests,
    tlv,
)

_KEY = P256Key("pin cases")
_RSA = rsa_spki("RSA 2048")


def _issued(subject: str, spki: bytes, **members: Any) -> Certificate:
    return certificate(subject, spki, "Vectors Issuing", _KEY, names=["pin.example"], **members)


_NO_CERTIFICATE: Json = {"cert_sha256": {"absent": True}, "cert_sha512": {"absent": True}}


def _of(spki: bytes) -> Json:
    return spki_digests(spki) | _NO_CERTIFICATE


_CERTIFICATES: list[tuple[str, str, Certificate, bool]] = [
    ("p256", "A P-256 key", LEAF, False),
    ("authority", "A certificate authority's certificate", ROOT, False),
    ("rsa", "An RSA key", _issued("RSA", _RSA), False),
    ("ed25519", "An Ed25519 key, signed by itself", certificate("Edda", EDDA.spki, "Edda", EDDA), False),
    ("rsa-without-null", "An RSA key whose algorithm lacks the NULL: re-encoding would put it in",
     _issued("RSA without NULL", rsa_spki("RSA 2048", with_null=False)), True),
    ("compressed-point", "A P-256 key with a compressed point: re-encoding would write it out",
     _issued("compressed", compressed_spki(_KEY)), True),
    ("unknown-algorithm", "A key of an algorithm that the reader need not know",
     _issued("lattice", lattice_spki()), True),
    ("version-1", "A certificate of version 1, which has no version member and no extensions",
     certificate("version 1", _KEY.spki, "version 1", _KEY, version_1=True), True),
    ("expired", "A certificate that expired long ago",
     _issued("expired", _KEY.spki, life=("990101000000Z", "000101000000Z")), False),
    ("after-2050", "A certificate that lasts beyond 2050, and so has a longer time",
     _issued("long", _KEY.spki, life=("260101000000Z", "20991231235959Z")), False),
    ("serial-of-20-octets", "A serial number of 20 octets",
     _issued("long serial", _KEY.spki, serial=2**158 + 1), False),
    ("serial-negative", "A negative serial number, as old authorities wrote them",
     _issued("negative serial", _KEY.spki, serial=-1), True),
    ("subject-beyond-ascii", "A subject beyond ASCII", _issued("B\u00fccher \u7d44\u7e54", _KEY.spki), False),
]  # fmt: skip

_PUBLIC = pem("PUBLIC KEY", ANNA.spki)
_BUNDLE = "".join(found.pem for found in HONEST)
_UNKNOWN_BLOCK = pem("LIVEPIN NOTE", sha256("a block of a label that nobody knows"))
_TEXTS: list[tuple[str, str, str, Json]] = [
    ("several", "Of several certificates the first counts", _BUNDLE, LEAF.digests),
    ("several-other-order", "Of several certificates the first counts, whichever it is",
     ISSUING.pem + LEAF.pem, ISSUING.digests),
    ("text-around", "Text before, between and after",
     f"subject=CN = api.example.com\n\n{LEAF.pem}issuer=CN = Vectors Issuing\n{ISSUING.pem}---\n", LEAF.digests),
    ("crlf", "Lines that end with CR LF", LEAF.pem.replace("\n", "\r\n"), LEAF.digests),
    ("no-final-newline", "No line end after the last line", LEAF.pem.rstrip("\n"), LEAF.digests),
    ("after-unknown-block", "A block of an unknown label comes first", _UNKNOWN_BLOCK + LEAF.pem, LEAF.digests),
    ("after-public-key", "A bare public key before the certificate", _PUBLIC + LEAF.pem, LEAF.digests),
    ("public-key-p256", "A bare P-256 public key has no certificate's digests", _PUBLIC, _of(ANNA.spki)),
    ("public-key-rsa", "A bare RSA public key", pem("PUBLIC KEY", _RSA), _of(_RSA)),
    ("public-key-ed25519", "A bare Ed25519 public key", pem("PUBLIC KEY", EDDA.spki), _of(EDDA.spki)),
    ("public-key-text-around", "A bare public key with text around it", f"my key:\n{_PUBLIC}bye\n", _of(ANNA.spki)),
]  # fmt: skip

_DAMAGED = LEAF.pem[:200] + "!" + LEAF.pem[201:]
_GARBAGE: list[tuple[str, str, object]] = [
    ("empty", "An empty text", ""),
    ("no-pem", "Text without any PEM in it", "api.example.com is fine, trust me"),
    ("header-alone", "A first line alone", "-----BEGIN CERTIFICATE-----\n"),
    ("no-last-line", "A certificate without its last line", LEAF.pem.partition("-----END")[0]),
    ("empty-block", "A block with nothing in it", pem("CERTIFICATE", b"")),
    ("empty-sequence", "An empty SEQUENCE", pem("CERTIFICATE", tlv(0x30))),
    ("base64-damaged", "A character that is not Base64", _DAMAGED),
    ("truncated", "A certificate that is cut off", pem("CERTIFICATE", LEAF.der[:-40])),
    ("truncated-before-key", "A certificate that is cut off before its key", pem("CERTIFICATE", LEAF.der[:60])),
    ("trailing-byte", "A certificate and one byte more", pem("CERTIFICATE", LEAF.der + b"\0")),
    ("length-of-4-gib", "A length of nearly 4 GiB", pem("CERTIFICATE", b"\x30\x84\xff\xff\xff\xf0" + LEAF.der)),
    ("length-of-127-octets", "A length in 127 octets", pem("CERTIFICATE", b"\x30\xff" + b"\xff" * 127)),
    ("first-damaged", "The first certificate is damaged and the second is good", _DAMAGED + ISSUING.pem),
    ("key-as-certificate", "A public key under the label of a certificate", pem("CERTIFICATE", ANNA.spki)),
    ("certificate-as-key", "A certificate under the label of a public key", pem("PUBLIC KEY", LEAF.der)),
    ("private-key", "A private key's label: nothing to pin", pem("PRIVATE KEY", sha256("no key at all"))),
    ("number", "A number in place of text", 7),
    ("array", "The text in an array", [LEAF.pem]),
]


def _case(name: str, about: str, text: object, expect: Json, *, hostile: bool) -> Case:
    return Case(f"pin-{name}", f"{about}.", "pins", expect, hostile, {"do": "pin", "pem": text})


def all_cases() -> Iterator[Case]:
    for name, about, found, hostile in _CERTIFICATES:
        yield _case(f"certificate-{name}", about, found.pem, found.digests, hostile=hostile)
    for name, about, text, digests in _TEXTS:
        yield _case(f"text-{name}", about, text, digests, hostile=False)
    for name, about, garbage in _GARBAGE:
        yield _case(f"garbage-{name}", about, garbage, NOT_OK, hostile=True)
    first, second = INTERCEPTED
    about = "Two certificates of one subject in one text: the first counts"
    yield _case("text-same-subject", about, first.pem + LEAF.pem + second.pem, first.digests, hostile=True)
