"""Compact JWS with a strict front end: V1, V2 and V4."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import utils

from livepin.core.jws import (
    MAX_HEADER,
    MAX_TEXT,
    PublicKey,
    assemble,
    check_signature,
    known_kind,
    read_header,
    read_members,
    signing_input,
    split,
)
from livepin.errors import DocumentRefused, KeyInvalid
from tests.core.signing import ANCHOR, SECOND_ANCHOR, STRANGER, Signer, b64url, compact, jws, without

BOTH = pytest.mark.parametrize("key", [ANCHOR, SECOND_ANCHOR], ids=lambda key: key.alg)
P = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def refused(code: str, step: str) -> Any:
    return pytest.raises(DocumentRefused, match=rf"\[{code}\]", check=lambda error: error.step == step)


class TestPublicKey:
    @BOTH
    def test_all_ways_to_write_a_key_give_the_same_key(self, key: Signer) -> None:
        one = PublicKey.from_spki(key.spki)
        text = base64.b64encode(key.spki).decode()
        others = [PublicKey.from_text(text), PublicKey.from_text(f" {text}\n"), PublicKey.from_text(key.pem)]
        others += [PublicKey.from_jwk(key.jwk), PublicKey.from_jwk({**key.jwk, "use": "sig"})]
        assert {one} == set(others)
        assert (one.alg, one.spki, one.jwk(), one.thumbprint) == (key.alg, key.spki, key.jwk, key.kid)

    def test_the_thumbprint_is_that_of_rfc_7638_and_rfc_8037(self) -> None:
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
        assert PublicKey.from_jwk(jwk).thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"

    @pytest.mark.parametrize("size", [0, 31, 33, 63, 65, 96])
    def test_a_key_of_another_size_is_refused(self, size: int) -> None:
        with pytest.raises(KeyInvalid):
            PublicKey.from_raw(bytes(size))

    @pytest.mark.parametrize("x", [0, P, P + 5, 2**256 - 1])
    def test_a_point_beside_the_curve_is_refused(self, x: int) -> None:
        with pytest.raises(KeyInvalid, match="not a point"):
            PublicKey.from_raw(x.to_bytes(32, "big") + ANCHOR.spki[-32:])

    def test_a_coordinate_is_below_the_field_size(self) -> None:
        # x = 5 lies on the curve; so does x = 5 + p, as a second spelling of the same point.
        y = 31468013646237722594854082025316614106172411895747863909393730389177298123724
        assert PublicKey.from_raw((5).to_bytes(32, "big") + y.to_bytes(32, "big")).alg == "ES256"
        with pytest.raises(KeyInvalid):
            PublicKey.from_raw((5 + P).to_bytes(32, "big") + y.to_bytes(32, "big"))

    @pytest.mark.parametrize(
        "spki",
        [
            b"", ANCHOR.spki[:-1], ANCHOR.spki + b"\0", SECOND_ANCHOR.spki[:-1], b"\x31" + ANCHOR.spki[1:],
            ANCHOR.spki[:26] + b"\2" + ANCHOR.spki[27:59],
        ],
        ids=len,
    )  # fmt: skip
    def test_another_spki_is_refused(self, spki: bytes) -> None:
        with pytest.raises(KeyInvalid):
            PublicKey.from_spki(spki)

    @pytest.mark.parametrize(
        "text",
        [
            "", "abc", "é", base64.b64encode(ANCHOR.spki).decode()[:-1], ANCHOR.pem * 2, ANCHOR.pem[:-8],
            ANCHOR.pem.replace("PUBLIC KEY", "CERTIFICATE"), ANCHOR.pem.replace("MF", "M*"), "-----BEGIN nothing-----",
        ],
        ids=range(9),
    )  # fmt: skip
    def test_another_text_is_refused(self, text: str) -> None:
        with pytest.raises(KeyInvalid) as refused:
            PublicKey.from_text(text)
        assert refused.value.code == "key_invalid"

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"kty": "RSA"}, "kty"),
            ({"crv": "P-384"}, "kty"),
            ({"kty": "OKP"}, "kty"),
            ({"kty": ["EC"]}, "kty"),
            ({"crv": {"P-256": 1}}, "kty"),
            ({"crv": None}, "kty"),
            ({"x": 5}, "member x is not a string"),
            ({"y": None}, "member y is not a string"),
            ({"x": "AA=="}, "member x is not unpadded"),
            ({"x": "AB"}, "member x is not canonical"),
            ({"y": b64url(bytes(31))}, "member y is not 32 bytes"),
            ({"y": b64url(bytes(33))}, "member y is not 32 bytes"),
            ({"y": b64url(bytes(32))}, "not a point"),
        ],
    )
    def test_another_jwk_is_refused(self, changes: dict[str, Any], why: str) -> None:
        with pytest.raises(KeyInvalid, match=why):
            PublicKey.from_jwk({**ANCHOR.jwk, **changes})
        assert known_kind({**ANCHOR.jwk, **changes}) is (why != "kty")

    @pytest.mark.parametrize("name", ["kty", "crv", "x", "y"])
    def test_a_jwk_that_lacks_a_member_is_refused(self, name: str) -> None:
        with pytest.raises(KeyInvalid):
            PublicKey.from_jwk(without(ANCHOR.jwk, name))


class TestVerify:
    @BOTH
    def test_what_the_key_signed_verifies_and_nothing_else_does(self, key: Signer) -> None:
        signature = key.sign(b"text")
        assert key.public.verify(b"text", signature)
        assert not key.public.verify(b"texts", signature)
        assert not STRANGER.public.verify(b"text", signature)
        for place in range(64):
            changed = bytes([*signature[:place], signature[place] ^ 1, *signature[place + 1 :]])
            assert not key.public.verify(b"text", changed)

    @BOTH
    @pytest.mark.parametrize("size", [0, 1, 63, 65, 128])
    def test_a_signature_has_64_bytes(self, key: Signer, size: int) -> None:
        assert not key.public.verify(b"text", (key.sign(b"text") * 2)[:size])

    def test_a_number_of_a_signature_is_not_padded_differently(self) -> None:
        signature = ANCHOR.sign(b"text")
        assert not ANCHOR.public.verify(b"text", signature[:32] + b"\0" + signature[32:])
        short = next(one for one in map(ANCHOR.sign, itertools.repeat(b"text")) if one[32] == 0)
        assert ANCHOR.public.verify(b"text", short)
        assert not ANCHOR.public.verify(b"text", short[:32] + short[33:])

    def test_the_der_form_of_a_signature_is_refused(self) -> None:
        signature = ANCHOR.sign(b"text")
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        assert not ANCHOR.public.verify(b"text", utils.encode_dss_signature(r, s))

    @pytest.mark.parametrize(("r", "s"), [(0, 0), (0, 1), (1, 0), (ORDER, ORDER), (1, ORDER), (2**256 - 1, 2**256 - 1)])
    def test_numbers_outside_the_order_are_refused(self, r: int, s: int) -> None:
        assert not ANCHOR.public.verify(b"text", r.to_bytes(32, "big") + s.to_bytes(32, "big"))

    def test_the_second_signature_of_ecdsa_verifies_so_the_text_is_no_identifier(self) -> None:
        signature = ANCHOR.sign(b"text")
        s = ORDER - int.from_bytes(signature[32:], "big")
        assert ANCHOR.public.verify(b"text", signature[:32] + s.to_bytes(32, "big"))


class TestSplit:
    @pytest.mark.parametrize("form", [str, str.encode])
    def test_a_text_is_split_into_its_parts(self, form: Any) -> None:
        text = jws({"alg": "ES256"}, b"\0payload", ANCHOR)
        parts = split(form(text))
        assert (parts.header, parts.payload, len(parts.signature)) == (b'{"alg":"ES256"}', b"\0payload", 64)
        assert parts.signing_input == text.rpartition(".")[0].encode()
        assert assemble(parts.signing_input, parts.signature) == text

    def test_parts_may_be_empty(self) -> None:
        parts = split("..")
        assert (parts.header, parts.payload, parts.signature, parts.signing_input) == (b"", b"", b"", b".")

    @pytest.mark.parametrize(
        "text",
        [
            "", ".", "AA", "AA.AA", "AA.AA.AA.AA", "AA.AA.AA.", ".AA.AA.AA", "AA.AB.AA", "AA==.AA.AA", "AA.A.AA",
            "AA.AA.A+", "AA.AA.A/", "AA.AA.AA\n", "\ufeffAA.AA.AA", " AA.AA.AA", "AA.A A.AA", "AA.AA.AA é", "\ud800..",
        ],
        ids=ascii,
    )  # fmt: skip
    def test_another_text_is_malformed(self, text: str) -> None:
        with refused("malformed", "V1"):
            split(text)
        with refused("malformed", "V1"):
            split(text.encode("utf-8", "surrogatepass"))

    @pytest.mark.parametrize("form", [str, str.encode])
    def test_more_than_eight_mebibytes_are_too_large(self, form: Any) -> None:
        longest = "." + "A" * (MAX_TEXT - 2) + "."
        assert len(longest) == 8 * 1024 * 1024
        assert len(split(form(longest)).payload) > 6_000_000
        with refused("too_large", "V1"):
            split(form(longest + "."))

    def test_a_text_is_measured_before_it_is_read(self) -> None:
        with refused("too_large", "V1"):
            split("é" * (MAX_TEXT + 1))


GOOD = {"alg": "ES256", "kid": "k", "typ": "livepin+jws"}


class TestHeader:
    def test_exactly_the_known_members_are_read(self) -> None:
        found = read_header(compact(GOOD), "livepin+jws")
        assert (found.alg, found.kid, found.keys) == ("ES256", "k", ())
        assert read_header(compact({**GOOD, "keys": "k1"}), "livepin+jws").keys == ("k1",)
        assert read_header(compact({**GOOD, "keys": ["k1", "k2"]}), "livepin+jws").keys == ("k1", "k2")
        assert read_header(compact({**GOOD, "typ": "x"}), "x").alg == "ES256"

    @pytest.mark.parametrize(
        "members",
        [
            without(GOOD, "alg"), without(GOOD, "kid"), without(GOOD, "typ"), {**GOOD, "crit": ["exp"]},
            {**GOOD, "jwk": {}}, {**GOOD, "alg": 5}, {**GOOD, "kid": 5}, {**GOOD, "kid": ["k"]}, {**GOOD, "typ": 5},
            {**GOOD, "typ": "LIVEPIN+JWS"}, {**GOOD, "typ": "livepin-keys+jws"}, {**GOOD, "typ": "livepin+jws "},
            {**GOOD, "keys": []}, {**GOOD, "keys": ["k"]}, {**GOOD, "keys": ["k"] * 9}, {**GOOD, "keys": [1, 2]},
            {**GOOD, "keys": {}}, {**GOOD, "keys": 1}, {**GOOD, "keys": True}, {}, [], "x", 1, [GOOD],
        ],
        ids=json.dumps,
    )  # fmt: skip
    def test_another_header_is_refused(self, members: object) -> None:
        with refused("header_invalid", "V2"):
            read_header(compact(members), "livepin+jws")

    def test_a_key_set_carries_no_keys(self) -> None:
        with refused("header_invalid", "V2"):
            read_header(compact({**GOOD, "typ": "livepin-keys+jws", "keys": "k"}), "livepin-keys+jws")

    @pytest.mark.parametrize("data", [b"", b"{", b'{"alg":null}', b'{"a":1,"a":1}', b"\xff", b"\xef\xbb\xbf{}"])
    def test_a_header_is_strict_json(self, data: bytes) -> None:
        with refused("header_invalid", "V2"):
            read_members(data)

    @pytest.mark.parametrize("alg", ["none", "HS256", "RS256", "ES384", "Ed25519", "es256", "", "ES256 "])
    def test_another_algorithm_is_refused(self, alg: str) -> None:
        with refused("algorithm_refused", "V2"):
            read_header(compact({**GOOD, "alg": alg}), "livepin+jws")

    def test_a_header_of_64_kibibytes_is_read_and_a_larger_one_is_not(self) -> None:
        longest = compact({**GOOD, "keys": ""})
        longest = longest.replace(b'"keys":""', b'"keys":"' + b"k" * (MAX_HEADER - len(longest)) + b'"')
        assert len(longest) == 64 * 1024
        assert len(read_header(longest, "livepin+jws").keys) == 1
        with refused("header_invalid", "V2"):
            read_header(longest + b" ", "livepin+jws")


class TestCheckSignature:
    @BOTH
    def test_the_key_fixes_the_algorithm(self, key: Signer) -> None:
        parts = split(jws({"alg": key.alg}, b"", key))
        check_signature(parts, key.alg, key.public)
        with refused("algorithm_refused", "V2"):
            check_signature(parts, "EdDSA" if key.alg == "ES256" else "ES256", key.public)
        with refused("bad_signature", "V4"):
            check_signature(parts, key.alg, (STRANGER if key.alg == "ES256" else Signer("x", "EdDSA")).public)


def test_what_is_signed_is_the_header_and_the_payload_in_base64url() -> None:
    parts = signing_input({"alg": "ES256", "kid": "é"}, b"\xfb\xff").decode().split(".")
    assert [base64.urlsafe_b64decode(part + "==") for part in parts] == [
        '{"alg":"ES256","kid":"é"}'.encode(),
        b"\xfb\xff",
    ]
    assert assemble(b"a.b", b"\xfb") == "a.b.-w"
    assert hashlib.sha256(signing_input({}, b"")).hexdigest() == hashlib.sha256(b"e30.").hexdigest()
