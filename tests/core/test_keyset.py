"""Key sets: what their payload may say (design section 3; whatever is wrong is V3)."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from livepin.core.keyset import KeySet, parse
from livepin.errors import DocumentRefused
from tests.core.signing import (
    ANCHOR,
    ISSUED_AT,
    SECOND_ANCHOR,
    SIGNING_KEY,
    STRANGER,
    Signer,
    compact,
    keys_payload,
    without,
)

ANCHORS = {ANCHOR.kid: ANCHOR.public}


def read(**members: Any) -> KeySet:
    return parse(compact(keys_payload(**members)), ANCHORS)


def refusal(payload: object) -> str:
    data = payload if isinstance(payload, bytes) else compact(payload)
    with pytest.raises(DocumentRefused) as refused:
        parse(data, ANCHORS)
    assert (refused.value.code, refused.value.step) == ("keyset_invalid", "V3")
    return refused.value.message


def test_a_key_set_is_read() -> None:
    payload = compact(keys_payload(SIGNING_KEY, SECOND_ANCHOR, refresh_keys=[STRANGER.jwk], revoked=[ANCHOR.kid]))
    found = parse(payload, ANCHORS)
    assert (found.organization, found.project, found.epoch, found.issued_at) == ("acme", "shop", 2, ISSUED_AT)
    assert found.signing_keys == {key.kid: key.public for key in (SIGNING_KEY, SECOND_ANCHOR)}
    assert found.refresh_keys == {STRANGER.kid: STRANGER.public}
    assert found.revoked == {ANCHOR.kid}
    assert found.digest == base64.b64encode(hashlib.sha256(payload).digest()).decode()


def test_what_may_be_absent_is_empty() -> None:
    found = read()
    assert (found.refresh_keys, found.revoked) == ({}, frozenset())


REQUIRED = ["format", "organization", "project", "epoch", "issued_at", "expires_at", "signing_keys"]


@pytest.mark.parametrize("name", REQUIRED)
def test_every_required_member_is_required(name: str) -> None:
    assert f"lacks the member {name}" in refusal(without(keys_payload(), name))


@pytest.mark.parametrize(
    ("members", "where"),
    [
        ({"format": 2}, "format"),
        ({"format": "1"}, "format"),
        ({"organization": "-acme"}, "organization"),
        ({"project": "shop\n"}, "project"),
        ({"epoch": 0}, "epoch"),
        ({"epoch": True}, "epoch"),
        ({"issued_at": -1}, "issued_at"),
        ({"expires_at": "1"}, "expires_at"),
        ({"signing_keys": []}, "signing_keys has fewer than 1"),
        ({"signing_keys": {}}, "signing_keys is not an array"),
        ({"signing_keys": [SIGNING_KEY.jwk] * 17}, "signing_keys has more than 16"),
        ({"signing_keys": [SIGNING_KEY.jwk, 5]}, "signing_keys[1] is not a JWK"),
        ({"signing_keys": [{"crv": "P-256"}]}, "signing_keys[0] lacks the member kty"),
        ({"signing_keys": [{"kty": 5}]}, "signing_keys[0].kty is not a string"),
        ({"signing_keys": [{"kty": "RSA", "crv": 5}]}, "signing_keys[0].crv is not a string"),
        ({"signing_keys": [without(SIGNING_KEY.jwk, "y")]}, "signing_keys[0] is no key"),
        ({"signing_keys": [{**SIGNING_KEY.jwk, "x": "AAAA"}]}, "signing_keys[0] is no key"),
        ({"signing_keys": [{**SIGNING_KEY.jwk, "d": "AAAA"}]}, "exactly the members"),
        ({"signing_keys": [{**SIGNING_KEY.jwk, "kid": "x"}]}, "exactly the members"),
        ({"signing_keys": [{**SECOND_ANCHOR.jwk, "y": SIGNING_KEY.jwk["y"]}]}, "exactly the members"),
        ({"refresh_keys": [{"kty": "RSA"}]}, "refresh_keys[0] is not a JWK of a known kind"),
        ({"refresh_keys": [5]}, "refresh_keys[0] is not a JWK of a known kind"),
        ({"refresh_keys": [SIGNING_KEY.jwk]}, "a refresh key is a signing key"),
        ({"refresh_keys": [ANCHOR.jwk]}, "a refresh key is a signing key or an anchor"),
        ({"revoked": ["x"]}, "revoked[0] is not a key thumbprint"),
        ({"revoked": [ANCHOR.kid, ANCHOR.kid[:-1] + "B"]}, "revoked[1] is not a key thumbprint"),
        ({"revoked": [[ANCHOR.kid]]}, "revoked[0] is not a key thumbprint"),
        ({"critical": ["colour"]}, "critical demands the unknown member 'colour'"),
        ({"critical": "epoch"}, "critical is not an array"),
        ({"signing_keys": [{"kty": "RSA", "critical": ["n"]}]}, "signing_keys[0].critical demands"),
        ({"signing_keys": [{**SIGNING_KEY.jwk, "critical": [5]}]}, "signing_keys[0].critical is not an array"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(members: dict[str, Any], where: str) -> None:
    assert where in refusal(keys_payload(**members))


@pytest.mark.parametrize("data", [b"", b"[]", b"1", b"\xff", compact(keys_payload())[:-1] + b',"x":null}'])
def test_a_key_set_is_a_strict_json_object(data: bytes) -> None:
    refusal(data)


def test_sixteen_keys_are_allowed_and_a_key_may_occur_twice() -> None:
    keys = [Signer(f"key {number}").jwk for number in range(15)]
    assert len(read(signing_keys=[*keys, keys[0]]).signing_keys) == 15


def test_keys_of_an_unknown_kind_are_skipped_but_counted() -> None:
    unknown: list[dict[str, Any]] = [{"kty": "RSA", "n": 5, "e": "AQAB"}, {"kty": "EC", "crv": "P-384"}]
    assert list(read(signing_keys=[*unknown, SIGNING_KEY.jwk]).signing_keys) == [SIGNING_KEY.kid]
    assert read(signing_keys=unknown).signing_keys == {}
    assert "more than 16" in refusal(keys_payload(signing_keys=[{"kty": "RSA"}] * 17))


def test_critical_may_name_what_is_known() -> None:
    assert read(critical=[*REQUIRED, "revoked", "critical"], colour="red").epoch == 2
    assert read(signing_keys=[{**SIGNING_KEY.jwk, "critical": ["kty", "y"]}]).signing_keys
