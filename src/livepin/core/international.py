"""UTS 46 processing of non-ASCII host names to A-labels: non-transitional, bidi and joiner checks, nothing more (J1).

The tables come from the `idna` package, which is imported only here. Where it is not installed a non-ASCII name is
refused like any other that cannot be judged; the `ssl` module hands over A-labels, so applications never notice.
"""

from __future__ import annotations

import unicodedata

from livepin.core.hosts import MAX_LABEL
from livepin.errors import HostInvalid

_NON_JOINERS = "\u200c\u200d"
_RIGHT_TO_LEFT = ("R", "AL", "AN")


def to_ascii(name: str) -> str:
    """A-labels of a name, labels joined by dots, lengths unchecked. Raises `HostInvalid`."""
    try:
        import idna
    except ImportError:
        hint = "Write the name as A-labels (xn--…), or install the `idna` extra."
        raise HostInvalid("host_invalid", "not ASCII", where=repr(name[:80]), hint=hint) from None
    try:
        mapped = idna.uts46_remap(name, std3_rules=False, transitional=False)
        labels = [_to_unicode(label) for label in mapped.split(".")]
        is_bidi = any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for label in labels for character in label)
        for label in filter(None, labels):
            _check_label(label, is_bidi=is_bidi)
        return ".".join(map(_to_a_label, labels))
    except (idna.IDNAError, UnicodeError, ValueError) as error:
        raise HostInvalid("host_invalid", f"not a host: UTS 46: {error}", where=repr(name[:80])) from None


def _to_unicode(label: str) -> str:
    if len(label) > MAX_LABEL:  # its A-label would be longer still, and decoding takes time by the square of the length
        raise ValueError(f"a label is over {MAX_LABEL} characters")
    if not label.startswith("xn--"):
        return label
    decoded = label[4:].encode("ascii").decode("punycode")
    # What encodes differently, or is ASCII and needs no encoding, would be a second spelling of another name.
    if _to_a_label(decoded) != label:
        raise ValueError(f"{label!r} is not an A-label")
    return decoded


def _to_a_label(label: str) -> str:
    return label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")


def _check_label(label: str, *, is_bidi: bool) -> None:
    """The validity criteria of UTS 46 section 4.1 (CheckHyphens and UseSTD3ASCIIRules off)."""
    import idna

    if idna.uts46_remap(label, std3_rules=False, transitional=False) != label:
        raise ValueError(f"{label!r} is not in mapped form")
    if label.startswith("xn--"):
        raise ValueError(f"{label!r} is encoded twice")
    if unicodedata.category(label[0]).startswith("M"):
        raise ValueError(f"{label!r} starts with a combining mark")
    for position, character in enumerate(label):
        if character in _NON_JOINERS and not idna.valid_contextj(label, position):
            raise ValueError(f"a joiner stands where none may in {label!r}")
    if is_bidi:  # one label that is written from right to left binds all labels of the name (RFC 5893 section 2)
        idna.check_bidi(label, check_ltr=True)
