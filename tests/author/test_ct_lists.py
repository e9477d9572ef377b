"""Published lists as they come: whole, of another make, damaged, with more in them than anybody knew."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from livepin.author.ct_lists import MAX_LIST, ForeignList, check_signature, parse
from livepin.author.ct_logs import log_id
from livepin.core.logs import MIMICS
from livepin.errors import InputInvalid
from livepin.testing import CtLog, KeyKind
from tests.author.foreign import DAY, H1, H2, NOW, Members, apple, chrome, listed, public_pem, rfc3339, signed

UNO, DUE, TRE = CtLog("One"), CtLog("Two", static=True), CtLog("Two", key=KeyKind.RSA)
NAMED = {
    "One Ltd": [(UNO, listed(UNO, "One Ltd 'Uno2026h2' log"))],
    "Two": [(DUE, listed(DUE, "Two 'Due2026h2'", "readonly")), (TRE, listed(TRE, "Two Tre2026", "retired", NOW + DAY))],
}
KEY = rsa.generate_private_key(65537, 2048)
OTHER_KEY = rsa.generate_private_key(65537, 2048)


class TestWhichListItIs:
    def test_chromes(self) -> None:
        found = parse(chrome(NAMED, issued_at=NOW - DAY, version="80.14"))
        assert (found.source, found.version, found.issued_at) == ("chrome", "80.14", NOW - DAY)
        assert found.operators == ("One Ltd", "Two")
        assert found.notes == ()

    def test_apples_has_no_date(self) -> None:
        found = parse(apple(NAMED, version="511"))
        assert (found.source, found.version, found.issued_at) == ("apple", "511", None)
        assert {one.source for one in found.logs} == {"apple"}

    def test_chromes_list_of_all_logs_has_neither_date_nor_version(self) -> None:
        members = json.loads(chrome(NAMED))
        del members["version"], members["log_list_timestamp"]
        found = parse(json.dumps({**members, "is_all_logs": True}).encode())
        assert (found.source, found.version, found.issued_at) == ("chrome", "", None)

    def test_it_cannot_be_older_than_what_it_tells_of(self) -> None:
        """A retirement is announced ahead, so it says nothing of that."""
        assert parse(apple(NAMED)).known_at == NOW - 400 * DAY

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"\xff",
            b"[]",
            b"{}",
            b"[" * 100_000,
            b'{"operators": []}',
            b'{"operators": {}, "log_list_timestamp": "2026-01-01T00:00:00Z"}',
            b'{"log_list_timestamp": "2026-01-01T00:00:00Z"}',
            b'{"operators": [], "log_list_timestamp": "today"}',
            b'{"operators": [], "log_list_timestamp": 7}',
            b" " * (MAX_LIST + 1),
        ],
    )
    def test_anything_else(self, data: bytes) -> None:
        with pytest.raises(InputInvalid) as raised:
            parse(data)
        assert raised.value.code == "ct_list_invalid"


class TestLogs:
    def test_everything_that_is_taken_over(self) -> None:
        uno, tre, due = parse(chrome(NAMED)).logs
        assert (uno.id, uno.name, uno.operator) == (UNO.id, "Uno2026h2", "One Ltd")
        assert (uno.kind, uno.state, uno.start, uno.end, uno.retired_at) == ("rfc6962", "usable", H2, H1, None)
        assert (due.kind, due.state, due.retired_at) == ("static", "readonly", None)
        assert (tre.kind, tre.state, tre.retired_at, tre.name) == ("rfc6962", "retired", NOW + DAY, "Tre2026")

    @pytest.mark.parametrize(
        ("description", "name"),
        [
            ("Let's Encrypt 'Oak2026h2'", "Oak2026h2"),
            ("Let's Encrypt 'Oak2026h2' log", "Oak2026h2"),
            ("Let's Encrypt Oak2026h2 Log", "Oak2026h2"),
            ("let's encrypt  Oak2026h2", "Oak2026h2"),
            ("Oak2026h2", "Oak2026h2"),
            ("log.example.org/2026h2", "log.example.org/2026h2"),
            ("Sectigo 'Mammoth' CT log", "Mammoth"),
            ("Let's Encrypt log", "log"),
            ("", UNO.id[:12]),
        ],
        ids=range(9),
    )
    def test_the_name_of_a_log(self, description: str, name: str) -> None:
        assert parse(chrome({"Let's Encrypt": [(UNO, listed(UNO, description))]})).logs[0].name == name

    def test_members_that_nobody_knows_are_ignored(self) -> None:
        more: Members = {"dns": None, "weight": 0.5, "log_type": "prod", "mirrors": [{"key": 1}]}
        named = {"One Ltd": [(UNO, listed(UNO, "One Ltd 'Uno2026h2' log", **more))]}
        plain = parse(chrome({"One Ltd": NAMED["One Ltd"]}))
        assert parse(chrome(named, future={"a": None}, notice=1e300)).logs == plain.logs

    def test_a_log_without_an_interval(self) -> None:
        absent: list[Any] = [None, {}]
        for nothing in absent:
            log = parse(chrome({"One": [(UNO, listed(UNO, "x", temporal_interval=nothing))]})).logs[0]
            assert (log.start, log.end) == (None, None)


def left_out(change: Callable[[Members], Any], name: str = "One") -> ForeignList:
    """A list in which one of two logs was changed."""
    bad = listed(UNO, "bad")
    change(bad)
    return parse(chrome({name: [(UNO, bad), (TRE, listed(TRE, "good"))]}))


class TestWhatCannotBeUsedIsLeftOutAndTold:
    @pytest.mark.parametrize(
        ("change", "why"),
        [
            (lambda log: log.pop("log_id"), "it has no log_id, or no key"),
            (lambda log: log.update(key=None), "it has no log_id, or no key"),
            (lambda log: log.update(key="AAAA"), "it has an ID that is not the digest of its key"),
            (lambda log: log.update(key="A"), "it has a key that is not canonical Base64"),
            (lambda log: log.update(log_id=DUE.id), "it has an ID that is not the digest of its key"),
            (lambda log: log.pop("state"), "it has no state, as logs for tests have none"),
            (lambda log: log.update(state={"usable": {}, "retired": {}}), "it has no state"),
            (lambda log: log.update(state={"dreaming": {}}), "its state 'dreaming' is unknown"),
            (lambda log: log.update(state={"usable": {"timestamp": "soon"}}), "one of its times cannot be read"),
            (lambda log: log.update(temporal_interval={"end_exclusive": 7}), "one of its times cannot be read"),
            (lambda log: log.update(temporal_interval=[1]), "its temporal_interval is not an object"),
            (lambda log: log.update(log_id=TRE.id, key=listed(TRE, "")["key"]), "its ID stands in the list twice"),
        ],
    )
    def test_a_log(self, change: Callable[[Members], Any], why: str) -> None:
        found = left_out(change)
        assert len(found.logs) == 1
        assert len(found.notes) == 1
        assert f"left out: {why}" in found.notes[0]

    def test_a_key_of_a_kind_that_logs_do_not_have(self) -> None:
        key = ec.generate_private_key(ec.SECP384R1()).public_key()
        spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        found = left_out(lambda log: log.update(log_id=log_id(spki), key=b64encode(spki).decode()))
        assert "a key of a kind that logs do not have" in found.notes[0]

    def test_many_of_one_kind_in_one_line(self) -> None:
        members = json.loads(chrome({"One": [(UNO, listed(UNO, "good"))]}))
        members["operators"][0]["logs"] += [{"description": f"test {n}", "log_id": "", "key": ""} for n in range(39)]
        found = parse(json.dumps(members).encode())
        assert found.notes == (
            "39 entries, 'test 0' among them, left out: it has no state, as logs for tests have none",
        )

    @pytest.mark.parametrize("operator", [{"logs": []}, {"name": " "}, {"name": 7}, None, "x"])
    def test_an_operator_without_a_name(self, operator: Any) -> None:
        members = json.loads(chrome({"One": [(UNO, listed(UNO, "good"))]}))
        members["operators"].append(operator)
        found = parse(json.dumps(members).encode())
        assert len(found.logs) == 1
        assert "an operator without a name" in found.notes[0]

    def test_logs_that_are_no_array_and_a_log_that_is_no_object(self) -> None:
        members = json.loads(chrome({"One": [(UNO, listed(UNO, "good"))]}))
        members["operators"][0] |= {"tiled_logs": 7}
        members["operators"][0]["logs"].append("x")
        assert [note.partition("left out: ")[2] for note in parse(json.dumps(members).encode()).notes] == [
            "not an object", "tiled_logs is not an array",
        ]  # fmt: skip

    def test_an_operator_of_whom_nothing_is_listed(self) -> None:
        assert parse(chrome({**NAMED, "Three": []})).operators == ("One Ltd", "Two")

    def test_the_logs_whose_private_keys_are_public(self) -> None:
        found = left_out(lambda log: log.update(log_id=min(MIMICS)))
        assert found.mimics
        assert [one.name for one in found.logs] == ["good"]
        assert "anybody can sign for it" in found.notes[0]
        assert not parse(chrome(NAMED)).mimics

    def test_a_log_that_had_another_operator_is_taken_and_told(self) -> None:
        before = [{"name": "Zero", "end_time": rfc3339(NOW)}]
        found = parse(chrome({"One": [(UNO, listed(UNO, "One 'Uno2026h2'", previous_operators=before))]}))
        assert len(found.logs) == 1
        assert found.notes == (
            "\"One 'Uno2026h2'\" had another operator before; all its SCTs count for the present one",
        )


class TestSignature:
    DATA = chrome(NAMED)

    def test_the_key_that_signed(self) -> None:
        der = serialization.load_pem_public_key(public_pem(KEY)).public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        for key in (public_pem(KEY), der):
            assert check_signature(self.DATA, signed(self.DATA, KEY), key) == log_id(der)

    @pytest.mark.parametrize(
        ("data", "signature"),
        [
            (DATA + b"\n", signed(DATA, KEY)),
            (DATA.replace(b"usable", b"Usable"), signed(DATA, KEY)),
            (DATA, signed(DATA, OTHER_KEY)),
            (DATA, b""),
            (DATA, bytes(256)),
        ],
        ids=["longer", "changed", "another key", "empty", "zeros"],
    )
    def test_one_byte_is_another(self, data: bytes, signature: bytes) -> None:
        with pytest.raises(InputInvalid) as raised:
            check_signature(data, signature, public_pem(KEY))
        assert raised.value.code == "ct_list_signature"

    @pytest.mark.parametrize(
        "key",
        [
            b"",
            b"-----BEGIN PUBLIC KEY-----\n",
            public_pem(KEY)[:-40],
            public_pem(rsa.generate_private_key(65537, 1024)),
            ec.generate_private_key(ec.SECP256R1())
            .public_key()
            .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        ],
        ids=["nothing", "no end", "damaged", "too short", "of another kind"],
    )
    def test_what_is_no_key_for_lists(self, key: bytes) -> None:
        with pytest.raises(InputInvalid) as raised:
            check_signature(self.DATA, signed(self.DATA, KEY), key)
        assert raised.value.code == "key_invalid"
