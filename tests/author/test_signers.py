"""The contract of `Signer`, over every implementation; below it, what each of them does besides."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import utils

from livepin.author.signers import detached, managed, opening, pem
from livepin.author.signers.detached import DetachedSigner, SigningInput
from livepin.author.signers.managed import ManagedSigner, MasterKey, Owner
from livepin.author.signers.pem import KeyKind, PemSigner
from livepin.author.signers.places import AwsKmsPlace, DetachedPlace, PemPlace, Pkcs11Place, parse_place
from livepin.author.signers.signatures import raw_of_der
from livepin.author.signers.signer import Signer
from livepin.core import jws
from livepin.core.base64s import b64, b64url
from livepin.core.document import TYP
from livepin.core.jws import PublicKey
from livepin.errors import InputInvalid, KeyUnusable
from tests.author.kms import kms_server
from tests.author.tokens import PIN, make_token, module

PASSPHRASE = "correct horse battery"
OWNER = Owner("acme", "shop")
MASTER = MasterKey.generate("2026a")
TEXT = jws.signing_input({"alg": "ES256", "kid": "x", "typ": TYP}, b'{"organization":"acme"}')


def secret(name: str) -> str:
    return PIN if "PIN" in name else PASSPHRASE


def code_of(act: Callable[..., object], *arguments: object) -> str:
    with pytest.raises((KeyUnusable, InputInvalid)) as raised:
        act(*arguments)
    assert PASSPHRASE not in str(raised.value)
    assert PIN not in str(raised.value)
    return raised.value.code


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The place of a token, up to the label of a key."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in make_token(tmp_path_factory.mktemp("token"), "acme").items():
            patch.setenv(name, value)
        yield f"pkcs11:token=acme;object={{}}?module-path={module()}"


@pytest.fixture(scope="module")
def kms() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch, kms_server() as variables:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield "aws-kms:alias/{}?region=eu-central-1&message=raw"


def made(place: str, kind: KeyKind, directory: Path) -> Signer:
    """A key made at a place, and opened there."""
    parsed = parse_place(place)
    public = opening.generate(parsed, kind, directory, secret)
    return opening.open_signer(parsed, directory, public, secret)


def by_openssl(path: Path) -> Callable[[bytes], bytes]:
    """Another program on another machine: it has the key file and the passphrase, and knows nothing of Livepin."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl program")

    def bring(signing_input: bytes) -> bytes:
        command = [openssl, "dgst", "-sha256", "-sign", str(path), "-passin", f"pass:{PASSPHRASE}"]
        return subprocess.run(command, input=signing_input, capture_output=True, check=True).stdout

    return bring


SLOW = pytest.mark.slow
KINDS = [
    "pem p256",
    "pem ed25519",
    "managed p256",
    "managed ed25519",
    "detached p256",
    pytest.param("pkcs11 p256", marks=SLOW),
    pytest.param("pkcs11 ed25519", marks=SLOW),
    pytest.param("aws-kms p256", marks=SLOW),
]


@pytest.fixture(params=KINDS, scope="module")
def signer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Signer:
    name, _, which = str(request.param).partition(" ")
    kind, directory = KeyKind(which), tmp_path_factory.mktemp(name)
    if name == "pkcs11":
        return made(request.getfixturevalue("token").format(which), kind, directory)
    if name == "aws-kms":
        return made(request.getfixturevalue("kms").format(which), kind, directory)
    if name == "managed":
        return ManagedSigner(managed.seal(pem.generate(kind), OWNER, MASTER), OWNER, [MASTER])
    file = made("signing.pem", kind, directory)
    return file if name == "pem" else DetachedSigner(file.public_key, by_openssl(directory / "signing.pem"))


class TestEverySigner:
    def test_what_it_signs_verifies_under_its_public_key_and_nothing_else_does(self, signer: Signer) -> None:
        signature = signer.sign(TEXT)
        assert len(signature) == 64
        assert signer.public_key.verify(TEXT, signature)
        assert not signer.public_key.verify(TEXT + b"x", signature)

    def test_it_may_be_asked_again(self, signer: Signer) -> None:
        assert all(signer.public_key.verify(TEXT, signer.sign(TEXT)) for _ in range(10))

    def test_its_public_key_stays_the_same(self, signer: Signer) -> None:
        before = signer.public_key
        signer.sign(TEXT)
        assert signer.public_key == before

    def test_several_threads_sign_at_once(self, signer: Signer) -> None:
        signatures: list[bytes] = []
        threads = [threading.Thread(target=lambda: signatures.append(signer.sign(TEXT))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(signatures) == 8
        assert all(signer.public_key.verify(TEXT, one) for one in signatures)

    def test_a_child_signs_after_a_fork_and_so_does_the_parent(self, signer: Signer) -> None:
        signer.sign(TEXT)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # later versions of Python warn of threads
            child = os.fork()
        if child == 0:
            try:
                os._exit(0 if signer.public_key.verify(TEXT, signer.sign(TEXT)) else 1)
            except BaseException:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert signer.public_key.verify(TEXT, signer.sign(TEXT))

    def test_it_tells_how_its_key_is_kept_and_no_secret(self, signer: Signer) -> None:
        said = dict(signer.properties)
        assert next(iter(said)) == "kind"
        assert all(said.values())
        assert not any(word in f"{said}{signer!r}" for word in (PASSPHRASE, PIN, b64(MASTER.value)))


class TestManaged:
    def test_the_key_opens_for_its_project_alone(self) -> None:
        text = managed.seal(pem.generate(KeyKind.P256), OWNER, MASTER)
        for stranger in (Owner("acme", "other"), Owner("other", "shop"), Owner("acmes", "hop")):
            assert code_of(ManagedSigner(text, stranger, [MASTER]).sign, TEXT) == "seal_broken"

    def test_what_was_changed_does_not_open(self) -> None:
        text = managed.seal(pem.generate(KeyKind.P256), OWNER, MASTER)
        other = managed.seal(pem.generate(KeyKind.P256), OWNER, MASTER)
        parts, theirs = text.split("."), other.split(".")
        for number in (3, 4, 5):  # public key, nonce, sealed key: each of another key of the same project
            mixed = ".".join([*parts[:number], theirs[number], *parts[number + 1 :]])
            assert code_of(ManagedSigner(mixed, OWNER, [MASTER]).sign, TEXT) == "seal_broken"
        for damaged in (
            "",
            "nonsense",
            text.replace(".1.", ".2.", 1),
            text[:-2],
            f"{text}.x",
            text.replace(".", "", 1),
        ):
            assert code_of(lambda one=damaged: ManagedSigner(one, OWNER, [MASTER]).sign(TEXT)) == "seal_broken"

    def test_the_master_key_is_changed_and_the_old_one_thrown_away(self) -> None:
        text = managed.seal(pem.generate(KeyKind.ED25519), OWNER, MASTER)
        new = MasterKey.generate("2027a")
        moved = managed.reseal(text, OWNER, [MASTER], new)
        assert (managed.master_id(text), managed.master_id(moved)) == ("2026a", "2027a")
        signer = ManagedSigner(moved, OWNER, [new])
        assert signer.public_key == ManagedSigner(text, OWNER, [MASTER]).public_key
        assert signer.public_key.verify(TEXT, signer.sign(TEXT))
        assert code_of(lambda: ManagedSigner(text, OWNER, [new]).sign(TEXT)) == "master_key_missing"
        impostor = MasterKey.generate("2026a")
        assert code_of(lambda: ManagedSigner(text, OWNER, [impostor]).sign(TEXT)) == "seal_broken"

    def test_a_master_key_as_text(self) -> None:
        assert MasterKey.from_text(f"2026a:{b64(MASTER.value)}\n") == MASTER
        assert b64(MASTER.value) not in repr(MASTER)
        for text in ("", "2026a", f"20.26:{b64(MASTER.value)}", f"2026a:{b64(MASTER.value[:-1])}", "2026a:§"):
            with pytest.raises(KeyUnusable) as raised:
                MasterKey.from_text(text)
            assert raised.value.code == "master_key_invalid"
            assert b64(MASTER.value) not in str(raised.value)

    def test_one_key_sealed_twice_gives_two_texts(self) -> None:
        key = pem.generate(KeyKind.P256)
        assert managed.seal(key, OWNER, MASTER) != managed.seal(key, OWNER, MASTER)


@pytest.mark.slow
class TestPkcs11:
    def test_a_key_never_leaves_its_token(self, token: str, tmp_path: Path) -> None:
        said = made(token.format("kept"), KeyKind.P256, tmp_path).properties
        assert (said["extractable"], said["sensitive"], said["local"]) == ("false", "true", "true")

    def test_the_public_half_is_read_from_the_token(self, token: str, tmp_path: Path) -> None:
        for kind in KeyKind:
            place = parse_place(token.format(f"read-{kind}"))
            made_key = opening.generate(place, kind, tmp_path, secret)
            assert opening.read_public_key(place, tmp_path, secret) == made_key

    def test_another_key_under_this_label_signs_nothing(self, token: str, tmp_path: Path) -> None:
        place = parse_place(token.format("theirs"))
        opening.generate(place, KeyKind.P256, tmp_path, secret)
        ours = PublicKey.from_spki(pem.public_der(pem.generate(KeyKind.P256)))
        assert code_of(lambda: opening.open_signer(place, tmp_path, ours, secret).sign(TEXT)) == "signature_refused"

    def test_what_is_not_there_or_there_already(self, token: str, tmp_path: Path) -> None:
        place = parse_place(token.format("once"))
        key = opening.generate(place, KeyKind.P256, tmp_path, secret)
        assert code_of(lambda: opening.generate(place, KeyKind.P256, tmp_path, secret)) == "key_exists"
        for text in (token.format("missing"), token.format("once").replace("acme", "nobody")):
            missing = opening.open_signer(parse_place(text), tmp_path, key, secret)
            assert code_of(missing.sign, TEXT) == "key_missing"
        nothing = parse_place(f"pkcs11:token=acme;object=once?module-path={tmp_path}/missing.so")
        assert code_of(lambda: opening.open_signer(nothing, tmp_path, key, secret).sign(TEXT)) == "signer_failed"

    def test_the_pin_from_a_file_and_a_wrong_one(self, token: str, tmp_path: Path) -> None:
        """In processes of their own: a login is the whole process's."""
        place = token.format("pinned")
        public = opening.generate(parse_place(place), KeyKind.P256, tmp_path, secret)
        (tmp_path / "pin").write_text(f"{PIN}\n")
        (tmp_path / "wrong").write_text("000000\n")
        code = (
            "import sys; from pathlib import Path; from livepin.author.signers import opening, places\n"
            "from livepin.core.jws import PublicKey\n"
            "key = PublicKey.from_raw(bytes.fromhex(sys.argv[2]))\n"
            "place = places.parse_place(sys.argv[1])\n"
            "signer = opening.open_signer(place, Path(sys.argv[3]), key, lambda name: 1 / 0)\n"
            "print(len(signer.sign(b'x')))"
        )
        for file, expected in (("pin", "64"), ("wrong", "passphrase_wrong")):
            source = f"{place}&pin-source=file:{file}"
            command = [sys.executable, "-c", code, source, public.raw.hex(), str(tmp_path)]
            done = subprocess.run(command, capture_output=True, text=True)
            assert expected in done.stdout + done.stderr
            assert "000000" not in done.stderr.replace(code, "")


@pytest.mark.slow
class TestAwsKms:
    def test_the_emulator_hashes_a_digest_once_more_and_that_is_noticed(self, kms: str, tmp_path: Path) -> None:
        """Not what the real service does. What this proves is that a wrong signature goes nowhere."""
        place = parse_place(kms.format("digest").replace("message=raw", "message=digest"))
        public = opening.generate(place, KeyKind.P256, tmp_path, secret)
        assert code_of(lambda: opening.open_signer(place, tmp_path, public, secret).sign(TEXT)) == "signature_refused"

    def test_the_public_half_is_read_from_the_service(self, kms: str, tmp_path: Path) -> None:
        place = parse_place(kms.format("read"))
        assert opening.generate(place, KeyKind.P256, tmp_path, secret) == opening.read_public_key(
            place, tmp_path, secret
        )

    def test_what_it_does_not_do(self, kms: str, tmp_path: Path) -> None:
        place = parse_place(kms.format("refusing"))
        signer = made(place.text, KeyKind.P256, tmp_path)
        assert code_of(lambda: signer.sign(bytes(4097))) == "signer_failed"
        assert code_of(lambda: opening.generate(place, KeyKind.P256, tmp_path, secret)) == "key_exists"
        assert code_of(lambda: opening.generate(place, KeyKind.ED25519, tmp_path, secret)) == "key_unusable"
        missing = parse_place(kms.format("missing"))
        gone = opening.open_signer(missing, tmp_path, signer.public_key, secret)
        assert code_of(lambda: gone.sign(TEXT)) == "key_missing"

    def test_nobody_answers(self, kms: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        signer = made(kms.format("unreachable"), KeyKind.P256, tmp_path)
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        assert code_of(lambda: signer.sign(TEXT)) == "signer_failed"


class TestDetached:
    KEY = pem.generate(KeyKind.P256)
    SIGNER = PemSigner(KEY)

    def brought(self, answer: bytes) -> bytes:
        return DetachedSigner(self.SIGNER.public_key, lambda _: answer).sign(TEXT)

    def test_every_form_in_which_a_signature_may_come_back(self) -> None:
        raw = self.SIGNER.sign(TEXT)
        whole = jws.assemble(TEXT, raw)
        der = der_of(raw)
        for answer in (raw, der, b64(raw).encode(), b64url(raw).encode() + b"\n", b64(der).encode(), whole.encode()):
            assert self.brought(answer) == raw

    def test_what_is_no_signature_of_this_key_over_this_text(self) -> None:
        stranger = PemSigner(pem.generate(KeyKind.P256))
        another = TEXT + b"x"
        refused = [
            b"",
            b"nonsense",
            bytes(64),
            stranger.sign(TEXT),
            self.SIGNER.sign(another),
            jws.assemble(another, self.SIGNER.sign(another)).encode(),
            jws.assemble(TEXT, stranger.sign(TEXT)).encode(),
            bytes(17 * 1024 * 1024),
        ]
        for answer in refused:
            assert code_of(self.brought, answer) == "signature_refused"

    def test_asked_directly_it_says_where_to_go(self) -> None:
        assert code_of(lambda: DetachedSigner(self.SIGNER.public_key).sign(TEXT)) == "signature_elsewhere"

    def test_the_other_machine_sees_what_it_signs(self) -> None:
        key = self.SIGNER.public_key
        header = {"alg": key.alg, "kid": key.thumbprint, "typ": TYP}
        wanted = SigningInput.parse(jws.signing_input(header, b'{"organization":"acme","project":"shop","serial":7}'))
        assert wanted.summary == "document of acme/shop, serial 7"
        assert self.SIGNER.public_key.verify(wanted.data, jws.split(detached.sign_input(wanted, self.SIGNER)).signature)
        stranger = PemSigner(pem.generate(KeyKind.P256))
        assert code_of(lambda: detached.sign_input(wanted, stranger)) == "key_mismatch"

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"x",
            b"a.b.c",
            b"e30.e30",
            jws.signing_input({"typ": "JWT"}, b"{}"),
            jws.signing_input({"typ": TYP}, b"[]"),
        ],
    )
    def test_the_other_machine_signs_nothing_else(self, data: bytes) -> None:
        assert code_of(lambda: SigningInput.parse(data)) == "signing_input_invalid"


def der_of(raw: bytes) -> bytes:
    der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    assert raw_of_der(der) == raw
    return der


class TestPlaces:
    def test_every_kind(self) -> None:
        assert parse_place("keys/a.pem") == PemPlace("keys/a.pem", "keys/a.pem")
        assert parse_place("pem:keys/a.pem") == PemPlace("pem:keys/a.pem", "keys/a.pem")
        text = "pkcs11:token=our%20token;object=a?module-path=/lib/x.so&pin-source=file:/run/pin"
        assert parse_place(text) == Pkcs11Place(text, "/lib/x.so", "our token", "a", "/run/pin")
        arn = "aws-kms:arn:aws:kms:eu-central-1:111122223333:key/1234"
        assert parse_place(arn) == AwsKmsPlace(arn, "arn:aws:kms:eu-central-1:111122223333:key/1234")
        assert parse_place("detached:") == DetachedPlace()

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "pem:",
            "ftp:x",
            "detached:x",
            "aws-kms:",
            "aws-kms:x?colour=red",
            "aws-kms:x?message=sha512",
            "pkcs11:token=a;object=b",
            "pkcs11:token=a?module-path=/x.so",
            "pkcs11:token=a;token=b;object=b?module-path=/x.so",
            "pkcs11:token=a;object=b;slot-id=3?module-path=/x.so",
            f"pkcs11:token=a;object=b?module-path=/x.so&pin-value={PIN}",
        ],
    )
    def test_what_is_no_place(self, text: str) -> None:
        assert code_of(lambda: parse_place(text)) == "signer_invalid"

    def test_a_detached_key_is_neither_made_nor_read_here(self, tmp_path: Path) -> None:
        place = parse_place("detached:")
        assert code_of(lambda: opening.generate(place, KeyKind.P256, tmp_path, secret)) == "signer_invalid"
        assert code_of(lambda: opening.read_public_key(place, tmp_path, secret)) == "key_missing"

    def test_a_file_with_another_key_is_not_opened(self, tmp_path: Path) -> None:
        place = parse_place("signing.pem")
        opening.generate(place, KeyKind.P256, tmp_path, secret)
        other = PublicKey.from_spki(pem.public_der(pem.generate(KeyKind.P256)))
        assert code_of(lambda: opening.open_signer(place, tmp_path, other, secret)) == "key_mismatch"
        assert code_of(lambda: opening.open_signer(parse_place("gone.pem"), tmp_path, other, secret)) == "key_missing"


@pytest.mark.parametrize("module_name", ["pkcs11", "boto3"])
def test_what_is_not_installed_is_said_in_one_sentence(module_name: str) -> None:
    """And what nobody asked for is not imported: the places are parsed and opened without it."""
    extra = {"pkcs11": "pkcs11:token=a;object=b?module-path=/x.so", "boto3": "aws-kms:alias/x"}[module_name]
    code = (
        "import sys; from pathlib import Path; from livepin.author.signers import opening, pem, places\n"
        "from livepin.core.jws import PublicKey\n"
        "assert not {'pkcs11', 'boto3', 'botocore'} & set(sys.modules)\n"
        f"sys.modules[{module_name!r}] = None\n"
        "key = PublicKey.from_spki(pem.public_der(pem.generate(pem.KeyKind.P256)))\n"
        f"opening.open_signer(places.parse_place({extra!r}), Path(), key, str).sign(b'x')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "is not installed [extra_missing] pip install 'livepin[" in done.stderr, done.stderr
