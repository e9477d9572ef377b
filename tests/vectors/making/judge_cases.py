"""J1 to J6: which policy judges a host, and its denied keys and pins."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from tests.vectors.making.cases import Case, Json, any_of
from tests.vectors.making.judge_writer import (
    ISSUING_PIN,
    LEAF_PIN,
    MALLORY_PIN,
    NAME,
    ROOT_PIN,
    allowed,
    blocked,
    judged,
    policy,
    reported,
)
from tests.vectors.making.keys import b64
from tests.vectors.making.writer import ABSENT, ISSUED, NOW
from tests.vectors.making.x509 import (
    HONEST,
    INTERCEPTED,
    ISSUING,
    LEAF,
    LEAF_KEY,
    MALLORY_LEAF,
    MALLORY_ROOT,
    ROOT,
    Certificate,
)

_MATCHED, _MISMATCH, _UNLISTED = allowed(), blocked(), allowed("unlisted")


def host_cases() -> Iterator[Case]:
    """J1: the policy blocks whatever it judges, so an allowed host was not found to be listed."""
    good: list[tuple[str, str, str, str]] = [
        ("letter-case-and-dot", "A host in upper case with a trailing dot", NAME, "API.EXAMPLE.COM."),
        ("international", "An international name", "*.example.com", "b\u00fccher.example.com"),
        ("ipv4", "An IPv4 address", "192.0.2.1", "192.0.2.1"),
        ("ipv6", "An IPv6 address that is not shortened", "2001:db8::1", "2001:0DB8::0001"),
    ]
    for name, about, pattern, host in good:
        yield judged(f"j1-{name}", about, "J1", policy(pattern), _MATCHED, host=host)
    other: list[tuple[str, str, str, str]] = [
        ("ipv4-under-wildcard", "An IPv4 address is under no wildcard", "**.2.1", "192.0.2.1"),
        ("mapped-is-not-ipv4", "A mapped IPv6 address is not the IPv4 address", "192.0.2.1", "::ffff:192.0.2.1"),
    ]
    for name, about, pattern, host in other:
        yield judged(f"j1-{name}", about, "J1", policy(pattern), _UNLISTED, host=host, hostile=True)
    no_name: list[tuple[str, str, str]] = [
        ("empty", "No host at all", ""),
        ("empty-label", "An empty label", "api..example.com"),
        ("two-trailing-dots", "Two trailing dots", "api.example.com.."),
        ("long-label", "A label of 64 characters", "a" * 64 + ".example.com"),
        ("long-name", "A name of 254 characters", ".".join(["a" * 49] * 5) + ".info"),
        ("port", "A name with a port", "api.example.com:443"),
        ("not-allowed", "A character that UTS 46 does not allow", "\ufffd.example.com"),
    ]
    invalid = blocked("host_invalid")
    for name, about, host in no_name:
        case = (f"j1-invalid-{name}", f"{about}: blocked, though other hosts would be allowed", "J1")
        yield judged(*case, policy(action="report"), invalid, host=host, hostile=True)


def specificity_cases() -> Iterator[Case]:
    """J2: the policy that should win allows, all others deny the leaf's key."""
    table: list[tuple[str, str, str, str, Sequence[str]]] = [
        # name, what it is about, host, the pattern that wins, the others
        ("exact", "An exact pattern before every wildcard",
         NAME, NAME, ["*.example.com", "**.example.com", f"**.{NAME}"]),
        ("more-labels", "The wildcard with most labels", "v1.api.example.com", "**.api.example.com",
         ["**.example.com", "**.com"]),
        ("one-star-first", "`*.` before `**.` at equal length", NAME, "*.example.com", ["**.example.com", "**.com"]),
        ("two-stars-of-more-labels", "`**.` of more labels before `*.` of fewer: it covers its own name",
         NAME, f"**.{NAME}", ["*.example.com", "**.example.com"]),
        ("two-stars-far-below", "`*.` covers one label alone, so `**.` is left", "a.b.example.com", "**.example.com",
         ["*.example.com", "example.com"]),
    ]  # fmt: skip
    denying: Json = {"deny": [LEAF.spki_sha256]}
    for name, about, host, winner, others in table:
        policies = [*(policy(other, **denying) for other in others), policy(winner)]
        yield judged(f"j2-{name}", about, "J2", policies, _MATCHED, host=host)
        reverse = [policy(winner, **denying), *(policy(other) for other in others)]
        about = f"{about}, when it is the one that refuses"
        yield judged(f"j2-{name}-refuses", about, "J2", reverse, blocked("denied"), host=host, hostile=True)
    denied_below = [policy(pins=[MALLORY_PIN]), policy("*.example.com")]
    about = "Nothing is inherited: the wildcard's pin does not help the exact pattern"
    yield judged("j2-no-pins-inherited", about, "J2", denied_below, _MISMATCH, hostile=True)
    off = [policy(action="off"), policy("**.example.com", pins=[])]
    yield judged("j2-off-excludes-one-name", "`off` excludes one name under `**.`", "J2", off, allowed("off"))
    about = "`off` on a wildcard does not reach an exact pattern"
    off_above = [policy("**.example.com", action="off"), policy()]
    yield judged("j2-off-is-not-inherited", about, "J2", off_above, _MISMATCH, chain=INTERCEPTED, hostile=True)


def unlisted_cases() -> Iterator[Case]:
    """J3."""
    denying: Json = {"deny": [LEAF.spki_sha256]}
    denied = blocked("denied")
    table: list[tuple[str, str, Json, Json]] = [
        ("default", "Without `unlisted` other hosts are allowed", {}, _UNLISTED),
        ("allow", "`unlisted` allow", {"unlisted": "allow"}, _UNLISTED),
        ("report", "`unlisted` report", {"unlisted": "report"}, reported("unlisted")),
        ("block", "`unlisted` block", {"unlisted": "block"}, blocked("unlisted")),
        ("denied", "A key that the document denies, where unlisted hosts are allowed", denying, denied),
        ("denied-report", "A key that the document denies, where unlisted hosts are reported",
         {**denying, "unlisted": "report"}, denied),
        ("denied-block", "A key that the document denies, where unlisted hosts are blocked: the denial gives the code",
         {**denying, "unlisted": "block"}, denied),
        ("denied-authority", "The key of an authority in the chain is denied", {"deny": [ISSUING.spki_sha256]}, denied),
        ("expired-allow", "`unlisted` does not change when the document expires", {"expires_at": NOW}, _UNLISTED),
        ("expired-block", "`unlisted` block outlasts the document",
         {"unlisted": "block", "expires_at": NOW}, blocked("unlisted")),
        ("expired-denied", "A denied key outlasts the document", {**denying, "expires_at": NOW}, denied),
    ]  # fmt: skip
    hostile = {"denied", "denied-report", "denied-block", "denied-authority", "expired-block", "expired-denied"}
    for name, about, changes, expect in table:
        is_hostile = name in hostile
        about = f"{about}: on a host without a pattern"
        case = (f"j3-{name}", about, "J3", policy(), expect)
        yield judged(*case, host="other.example", payload=changes, hostile=is_hostile)
    about = "A key that a pattern denies is denied there alone"
    yield judged("j3-pattern-deny-is-its-own", about, "J3", policy(**denying), _UNLISTED, host="other.example")


def unvalidated_cases() -> Iterator[Case]:
    """J4: the application switched validation off, so the leaf alone is known."""
    matched = allowed(unvalidated=True)
    mismatch, denied = blocked(unvalidated=True), blocked("denied", unvalidated=True)
    table: list[tuple[str, str, Json, Json, bool]] = [
        ("leaf-pin", "A `leaf` pin is judged", policy(), matched, False),
        ("any-pin", "An `any` pin is judged on the leaf",
         policy(pins=[{**LEAF_PIN, "position": "any"}]), matched, False),
        ("any-pin-of-authority", "An `any` pin does not match what stands beside the leaf: the attacker put it there",
         policy(pins=[{**ISSUING_PIN, "position": "any"}]), mismatch, True),
        ("ca-pin", "A `ca` pin never matches", policy(pins=[{**ISSUING_PIN, "position": "ca"}]), mismatch, True),
        ("denied-leaf", "The leaf's key is denied", policy(deny=[LEAF.spki_sha256]), denied, True),
        ("denied-authority-unseen", "A denied key beside the leaf proves nothing, and is not judged",
         policy(deny=[ISSUING.spki_sha256]), matched, False),
        ("ct-enforce", "`ct: enforce` fails, though its log list is absent and the pin matches",
         policy(ct={"action": "enforce"}), blocked("ct_failed", unvalidated=True), True),
    ]  # fmt: skip
    for name, about, hosts, expect, hostile in table:
        yield judged(f"j4-{name}", about, "J4", hosts, expect, validated=False, hostile=hostile)
    about = "Said to be validated, which is the default"
    yield judged(
        "j4-validated", about, "J4", policy(pins=[{**ISSUING_PIN, "position": "ca"}]), _MATCHED, validated=True
    )
    about = "An interceptor's leaf with the honest chain behind it"
    pins = [{**ISSUING_PIN, "position": "any"}, {**ROOT_PIN, "position": "ca"}, LEAF_PIN]
    chain = (MALLORY_LEAF, *HONEST)
    case = ("j4-honest-chain-appended", about, "J4", policy(pins=pins), mismatch)
    yield judged(*case, chain=chain, validated=False, hostile=True)


def deny_cases() -> Iterator[Case]:
    """J5: a denied key anywhere in the chain; only `action` softens it."""
    denied = blocked("denied")
    leaf, issuing, root = ([found.spki_sha256] for found in HONEST)
    expired = {"expires_at": NOW}
    table: list[tuple[str, str, Json, Json, Json]] = [
        ("document", "Denied by the document", policy(), {"deny": leaf}, denied),
        ("pattern", "Denied by the pattern", policy(deny=leaf), {}, denied),
        ("authority", "The key of the issuing authority", policy(deny=issuing), {}, denied),
        ("root", "The key of the root", policy(), {"deny": root}, denied),
        ("one-of-many", "One of several denied keys", policy(deny=[MALLORY_LEAF.spki_sha256, *leaf]), {}, denied),
        ("before-pin-mismatch", "A denied key that is not pinned either: the denial gives the code",
         policy(pins=[MALLORY_PIN], deny=leaf), {}, denied),
        ("without-pins", "A policy that only denies", policy(pins=ABSENT, deny=leaf), {}, denied),
        ("report", "`action` report", policy(action="report", deny=leaf), {}, reported("denied")),
        ("off", "`action` off: nothing is judged", policy(action="off"), {"deny": leaf}, allowed("off")),
        ("rollout-0", "A rollout to nobody does not soften it", policy(deny=leaf, rollout=0), {}, denied),
        ("expired-allow", "`when_expired` allow does not soften it",
         policy(deny=leaf, when_expired="allow"), expired, denied),
        ("other-key", "A denied key that is not in the chain", policy(deny=[MALLORY_LEAF.spki_sha256]), {}, _MATCHED),
        ("without-pins-other-key", "A policy that only denies, and another key", policy(pins=ABSENT), {}, _MATCHED),
    ]  # fmt: skip
    for name, about, hosts, changes, expect in table:
        hostile = expect["code"] == "denied"
        yield judged(f"j5-{name}", about, "J5", hosts, expect, payload=changes, hostile=hostile)


def _at(found: Certificate, position: str | None, member: str = "spki_sha256") -> Json:
    pin = {member: found.digests[member]}
    return pin if position is None else {**pin, "position": position}


def pin_cases() -> Iterator[Case]:
    """J6."""
    bare_bits = {"spki_sha256": b64(hashlib.sha256(LEAF_KEY.point).digest())}
    unknown = {"spki_blake3": LEAF.spki_sha256}
    table: list[tuple[str, str, Sequence[Json], Json]] = [
        ("leaf-default", "Without `position` a pin is for the leaf", [LEAF_PIN], _MATCHED),
        ("backup-first", "A pin that does not match before one that does", [MALLORY_PIN, LEAF_PIN], _MATCHED),
        ("spki-sha512", "`spki_sha512`", [_at(LEAF, None, "spki_sha512")], _MATCHED),
        ("cert-sha256", "`cert_sha256`", [_at(LEAF, None, "cert_sha256")], _MATCHED),
        ("cert-sha512", "`cert_sha512`", [_at(LEAF, None, "cert_sha512")], _MATCHED),
        ("ca-issuing", "`ca` on the issuing authority", [_at(ISSUING, "ca")], _MATCHED),
        ("ca-root", "`ca` on the root", [_at(ROOT, "ca", "cert_sha256")], _MATCHED),
        ("any-leaf", "`any` on the leaf", [_at(LEAF, "any")], _MATCHED),
        ("any-root", "`any` on the root", [_at(ROOT, "any")], _MATCHED),
        ("unknown-kind-beside", "A pin of an unknown kind beside one that matches", [unknown, LEAF_PIN], _MATCHED),
        ("leaf-of-authority", "The issuing authority's digest, pinned as a leaf", [_at(ISSUING, "leaf")], _MISMATCH),
        ("leaf-default-of-authority", "The issuing authority's digest without `position`",
         [_at(ISSUING, None)], _MISMATCH),
        ("ca-of-leaf", "The leaf's digest, pinned as an authority", [_at(LEAF, "ca")], _MISMATCH),
        ("empty", "An empty list of pins", [], _MISMATCH),
        ("unknown-kind-alone", "Pins of unknown kinds alone", [unknown], _MISMATCH),
        ("cert-digest-as-spki", "The certificate's digest, pinned as its key's",
         [{"spki_sha256": LEAF.digests["cert_sha256"]}], _MISMATCH),
        ("spki-digest-as-cert", "The key's digest, pinned as its certificate's",
         [{"cert_sha256": LEAF.spki_sha256}], _MISMATCH),
        ("key-bits-alone", "A digest of the key's bits without their algorithm", [bare_bits], _MISMATCH),
    ]  # fmt: skip
    for name, about, pins, expect in table:
        yield judged(f"j6-{name}", about, "J6", policy(pins=pins), expect, hostile=expect is _MISMATCH)
    about = "An interceptor whose authority the application trusts"
    yield judged("j6-intercepted", about, "J6", policy(), _MISMATCH, chain=INTERCEPTED, hostile=True)
    about = "An interceptor, and a pin on the root that every `ca` and `any` pin is measured against"
    both = policy(pins=[_at(ROOT, "ca"), _at(ISSUING, "any")])
    yield judged("j6-intercepted-ca", about, "J6", both, _MISMATCH, chain=INTERCEPTED, hostile=True)
    about = "A chain of one certificate has no authority"
    yield judged("j6-chain-of-one", about, "J6", policy(pins=[_at(LEAF, "ca")]), _MISMATCH, chain=[LEAF], hostile=True)
    about = "The honest leaf behind the interceptor's is no leaf"
    chain = (MALLORY_LEAF, MALLORY_ROOT, LEAF)
    yield judged("j6-leaf-is-the-first", about, "J6", policy(), _MISMATCH, chain=chain, hostile=True)
    about = "No `pins` member: J6 passes"
    yield judged("j6-no-pins-member", about, "J6", policy(pins=ABSENT), _MATCHED)
    digest = LEAF.spki_sha256
    spelt = any_of({"spki_sha256": digest}, {"member": "spki_sha256", "digest": digest})
    about = "The answer names the pin that matched, and the serial"
    pins = [MALLORY_PIN, {**LEAF_PIN, "position": "any"}]
    yield judged("j6-evidence", about, "J6", policy(pins=pins), allowed(pin=spelt, serial=7))


def window_cases() -> Iterator[Case]:
    """J6: a pin's window is half-open, `from` <= now < `until`."""
    table: list[tuple[str, str, Json, Json]] = [
        ("from-now", "A window that opens now", {"from": NOW}, _MATCHED),
        ("from-in-1-s", "A window that opens in a second", {"from": NOW + 1}, _MISMATCH),
        ("until-in-1-s", "The last second of a window", {"until": NOW + 1}, _MATCHED),
        ("until-now", "A window that closes now", {"until": NOW}, _MISMATCH),
        ("both-open", "A window around now", {"from": NOW - 1, "until": NOW + 1}, _MATCHED),
        ("backwards", "A window that closes before it opens", {"from": NOW, "until": NOW}, _MISMATCH),
    ]
    for name, about, window, expect in table:
        hosts = policy(pins=[{**LEAF_PIN, **window}])
        yield judged(f"j6-window-{name}", about, "J6", hosts, expect, hostile=expect is _MISMATCH)
    hosts = policy(pins=[{**LEAF_PIN, "until": NOW}, {**LEAF_PIN, "from": NOW}])
    yield judged("j6-window-hand-over", "One pin's window opens when the other's closes", "J6", hosts, _MATCHED)
    hosts = policy(pins=[{**LEAF_PIN, "until": ISSUED}])
    about = "The clock was wound back into a window that had closed when the document was issued"
    yield judged("j6-window-clock-back", about, "J6", hosts, _MISMATCH, now=ISSUED - 60, hostile=True)


def all_cases() -> Iterator[Case]:
    yield from host_cases()
    yield from specificity_cases()
    yield from unlisted_cases()
    yield from unvalidated_cases()
    yield from deny_cases()
    yield from pin_cases()
    yield from window_cases()
