"""V4: the signature over the exact bytes received."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.vectors.making.cases import Case, refused
from tests.vectors.making.keys import (
    ANNA,
    BERT,
    ED25519_ORDER,
    EDDA,
    EDDA_MALLORY,
    MALLORY,
    NEXT_SIGNER,
    P256_ORDER,
    SIGNER,
    b64url,
    raw,
)
from tests.vectors.making.writer import (
    Signed,
    accepted,
    arrival,
    compact,
    document,
    document_payload,
    header,
    keyset,
    keyset_payload,
    under_keys,
)

BAD_SIGNATURE = refused("V4", "bad_signature")
#: The first serials for which Anna's r, or her s, begins with a zero byte.
SERIAL_OF_SHORT_R, SERIAL_OF_SHORT_S = 23, 62


def high_s(data: bytes) -> bytes:
    """Anna's signature with the larger of the two values of s that verify."""
    r, s = ANNA.numbers(data)
    return raw(r, max(s, P256_ORDER - s))


def low_s(data: bytes) -> bytes:
    """Anna's signature with the smaller of the two values of s that verify."""
    r, s = ANNA.numbers(data)
    return raw(r, min(s, P256_ORDER - s))


def _with_numbers(change: Callable[[int, int], tuple[int, int]]) -> Callable[[bytes], bytes]:
    return lambda data: raw(*change(*ANNA.numbers(data)))


def _flip(signature: bytes, position: int) -> bytes:
    return signature[:position] + bytes([signature[position] ^ 1]) + signature[position + 1 :]


def _without_leading_zero(data: bytes) -> bytes:
    """r or s at 31 bytes; this fails unless one of them fits."""
    r, s = ANNA.numbers(data)
    widths = (31, 32) if r < 2**248 else (32, 31)
    return r.to_bytes(widths[0], "big") + s.to_bytes(widths[1], "big")


_FORGED: list[tuple[str, str, Callable[[bytes], bytes]]] = [
    ("der", "A signature in the DER form of X.509", ANNA.sign_der),
    ("empty", "An empty signature", lambda data: b""),
    ("63-bytes", "A signature without its last byte", lambda data: ANNA.sign(data)[:-1]),
    ("65-bytes", "A good signature and one byte more", lambda data: ANNA.sign(data) + b"\0"),
    ("65-bytes-leading-zero", "A good signature with a zero byte before it", lambda data: b"\0" + ANNA.sign(data)),
    ("65-bytes-zero-before-s", "A good signature with a zero byte between r and s",
     lambda data: ANNA.sign(data)[:32] + b"\0" + ANNA.sign(data)[32:]),
    ("96-bytes", "r and s at the width of P-384",
     lambda data: b"".join(number.to_bytes(48, "big") for number in ANNA.numbers(data))),
    ("twice", "A good signature, twice", lambda data: ANNA.sign(data) * 2),
    ("r-zero", "r = 0", _with_numbers(lambda r, s: (0, s))),
    ("s-zero", "s = 0", _with_numbers(lambda r, s: (r, 0))),
    ("r-and-s-zero", "r = s = 0, which a careless verifier takes for a signature of anything", lambda data: raw(0, 0)),
    ("r-and-s-one", "r = s = 1", lambda data: raw(1, 1)),
    ("r-is-order", "r equal to the order of the curve", _with_numbers(lambda r, s: (P256_ORDER, s))),
    ("s-is-order", "s equal to the order of the curve", _with_numbers(lambda r, s: (r, P256_ORDER))),
    ("swapped", "s before r", _with_numbers(lambda r, s: (s, r))),
    ("little-endian", "r and s with their bytes in the other order",
     lambda data: ANNA.sign(data)[31::-1] + ANNA.sign(data)[:31:-1]),
    ("first-bit", "One bit of r flipped", lambda data: _flip(ANNA.sign(data), 0)),
    ("last-bit", "One bit of s flipped", lambda data: _flip(ANNA.sign(data), 63)),
    ("payload-alone", "A signature over the payload's segment without the header",
     lambda data: ANNA.sign(data.partition(b".")[2])),
    ("stranger", "Signed by a stranger under the anchor's kid", MALLORY.sign),
    ("other-anchor", "Signed by another embedded anchor than the one that kid names", BERT.sign),
    ("ed25519-key", "An Ed25519 signature under the kid of a P-256 anchor", EDDA_MALLORY.sign),
]  # fmt: skip


def _edwards_plus_order(data: bytes) -> bytes:
    signature = EDDA.sign(data)
    s = int.from_bytes(signature[32:], "little") + ED25519_ORDER
    return signature[:32] + s.to_bytes(32, "little")


_FORGED_EDWARDS: list[tuple[str, str, Callable[[bytes], bytes]]] = [
    ("63-bytes", "An Ed25519 signature without its last byte", lambda data: EDDA.sign(data)[:-1]),
    ("65-bytes", "An Ed25519 signature and one byte more", lambda data: EDDA.sign(data) + b"\0"),
    ("s-plus-order", "s plus the order: RFC 8032 wants the smaller one alone", _edwards_plus_order),
    ("first-bit", "One bit of R flipped", lambda data: _flip(EDDA.sign(data), 0)),
    ("all-zero", "64 zero bytes", lambda data: bytes(64)),
    ("stranger", "Signed by a stranger's Ed25519 key", EDDA_MALLORY.sign),
]


def forged_cases() -> Iterator[Case]:
    for name, about, sign in _FORGED:
        yield arrival(
            f"document-v4-{name}", f"{about}.", "V4", document(sign=sign), BAD_SIGNATURE, anchors=[ANNA, BERT]
        )
    for name, about, sign in _FORGED_EDWARDS:
        signed = document(key=EDDA, sign=sign)
        yield arrival(f"document-v4-eddsa-{name}", f"{about}.", "V4", signed, BAD_SIGNATURE, anchors=[EDDA])


def _exchange(text: str, part: int, segment: str) -> str:
    parts = text.split(".")
    parts[part] = segment
    return ".".join(parts)


def edited_cases() -> Iterator[Case]:
    """Texts that were changed after they had been signed."""
    usual = document()
    other = b64url(document_payload(serial=8))
    spaced = b64url(compact(header(ANNA)) + b" ")
    newer_keys = keyset(keyset_payload(epoch=4))
    swapped_header = b64url(compact(header(SIGNER, keys=newer_keys)))
    table: list[tuple[str, str, Signed]] = [
        ("payload-exchanged", "The payload of another serial", usual.edited(lambda text: _exchange(text, 1, other))),
        ("payload-respaced", "The same payload with a space more",
         usual.edited(lambda text: _exchange(text, 1, b64url(document_payload() + b" ")))),
        ("header-respaced", "The same header with a space more",
         usual.edited(lambda text: _exchange(text, 0, spaced))),
        ("keys-exchanged", "A newer, genuine key set put in place of the one that was signed with the document",
         under_keys(keyset()).edited(lambda text: _exchange(text, 0, swapped_header))),
        ("payload-not-json", "Neither signature nor payload are good: the signature is asked first",
         document(b"not JSON", sign=MALLORY.sign)),
        ("payload-foreign", "A stranger's document for another project: the signature is asked first",
         document(document_payload(project="other"), sign=MALLORY.sign)),
    ]  # fmt: skip
    for name, about, signed in table:
        yield arrival(f"document-v4-{name}", f"{about}.", "V4", signed, BAD_SIGNATURE)
    both = keyset(keyset_payload(signing_keys=[SIGNER.jwk, NEXT_SIGNER.jwk]))
    signed = document(protected=header(SIGNER, keys=both), sign=NEXT_SIGNER.sign)
    about = "Signed by another key of the key set than the one that kid names."
    yield arrival("document-v4-other-signing-key", about, "V4", signed, BAD_SIGNATURE)


def malleable_cases() -> Iterator[Case]:
    for name, about, sign in (
        ("high-s", "The larger of the two values of s: RFC 7518 allows both", high_s),
        ("low-s", "The smaller of the two values of s", low_s),
    ):
        signed = document(sign=sign)
        yield arrival(f"document-v4-{name}", f"{about}.", "V4", signed, accepted(signed), hostile=name == "high-s")
    for number, serial in (("r", SERIAL_OF_SHORT_R), ("s", SERIAL_OF_SHORT_S)):
        short = document(document_payload(serial=serial))
        about = f"{number} begins with a zero byte, which stands there like any other."
        yield arrival(f"document-v4-short-{number}", about, "V4", short, accepted(short, serial=serial))
        trimmed = document(document_payload(serial=serial), sign=_without_leading_zero)
        about = f"{number} begins with a zero byte, which a writer of numbers left out: 63 bytes."
        yield arrival(f"document-v4-short-{number}-trimmed", about, "V4", trimmed, BAD_SIGNATURE)


def all_cases() -> Iterator[Case]:
    yield from forged_cases()
    yield from edited_cases()
    yield from malleable_cases()
