"""Other people's vectors and real certificates, found through `LIVEPIN_REALDATA`; nothing of them is in this clone."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from livepin.core.jws import PublicKey
from tests.vectors.door import Json, ask

FOLDER = os.environ.get("LIVEPIN_REALDATA", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="LIVEPIN_REALDATA is not set: real data was not tested")

ES256_FILE = "jws/ecdsa_secp256r1_sha256_p1363_test.json"


def read(name: str) -> Any:
    return json.loads((Path(FOLDER) / name).read_text(encoding="utf-8"))


def test_the_es256_vectors_of_wycheproof_verify_or_not_as_they_say() -> None:
    # Their messages are bytes of any kind and no JWS signing inputs, so they cannot come through the door.
    wrong = []
    groups = read(ES256_FILE)["testGroups"]
    for group in groups:
        key = PublicKey.from_spki(bytes.fromhex(group["publicKeyDer"]))
        for test in group["tests"]:
            verified = key.verify(bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]))
            if verified is not (test["result"] == "valid"):
                wrong.append((test["tcId"], test["comment"]))
    assert sum(len(group["tests"]) for group in groups) > 200
    assert wrong == []


def test_the_keys_of_wycheproof_say_the_same_in_all_their_forms() -> None:
    groups = [group for group in read(ES256_FILE)["testGroups"] if "publicKeyJwk" in group]
    assert groups
    for group in groups:
        jwk = {name: group["publicKeyJwk"][name] for name in ("kty", "crv", "x", "y")}
        assert PublicKey.from_jwk(jwk).spki.hex() == group["publicKeyDer"]
        assert PublicKey.from_text(group["publicKeyPem"]).jwk() == jwk


def _tokens() -> list[Json]:
    """The requests for the JWS of the RFCs, each with its public key."""
    known = read("jws/rfc_vectors.json")
    requests = []
    for name in ("rfc7515_A.3", "rfc8037_A.4"):
        jwk = {member: value for member, value in known[name]["jwk"].items() if member != "d"}
        requests.append({"id": name, "do": "jws", "jws": known[name]["jws"], "jwk": jwk})
    return requests


def test_the_jws_of_the_rfcs_verify_and_give_their_payloads() -> None:
    answers = ask([json.dumps(request) for request in _tokens()])
    payloads = {answer["id"]: base64.b64decode(answer["payload"]) for answer in answers}
    assert payloads == {
        "rfc7515_A.3": b'{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}',
        "rfc8037_A.4": b"Example of Ed25519 signing",
    }


def test_the_jws_of_the_rfcs_fail_after_any_change_of_a_character() -> None:
    requests = []
    for request in _tokens():
        text = request["jws"]
        for place, character in enumerate(text):
            other = text[:place] + ("B" if character == "A" else "A") + text[place + 1 :]
            requests.append({**request, "jws": other})
    answers = ask([json.dumps(request) for request in requests])
    assert len(answers) > 200
    assert [answer for answer in answers if answer["ok"]] == []


def test_the_thumbprints_of_the_rfcs_are_the_ones_we_compute() -> None:
    known = read("jws/rfc_vectors.json")
    edwards = PublicKey.from_jwk(known["rfc8037_A.3"]["jwk"])
    jwk = {name: known["rfc7515_A.3"]["jwk"][name] for name in ("kty", "crv", "x", "y")}
    assert edwards.thumbprint == known["rfc8037_A.3"]["sha256_thumbprint"]
    assert PublicKey.from_jwk(jwk).thumbprint == known["ec_thumbprint_computed"]


def test_the_digests_of_real_chains_are_the_ones_recorded() -> None:
    chains = read("ct/chains.json")
    requests, expected = [], []
    for chain in chains:
        text = (Path(FOLDER) / "ct" / chain["file"]).read_text(encoding="ascii")
        _, _, rest = text.partition("-----END CERTIFICATE-----")
        requests += [{"do": "pin", "pem": text}, {"do": "pin", "pem": rest}]
        cert_sha256 = base64.b64encode(bytes.fromhex(chain["leaf_sha256"])).decode()
        expected += [(chain["leaf_spki_sha256"], cert_sha256), (chain["issuer_spki_sha256"], None)]
    answers = ask([json.dumps(request) for request in requests])
    found = [
        (answer.get("spki_sha256"), cert_sha256 and answer.get("cert_sha256"))
        for answer, (_, cert_sha256) in zip(answers, expected, strict=True)
    ]
    assert len(chains) > 80
    assert found == expected
