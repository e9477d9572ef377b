"""Signing keys and TLS backup keys: encrypted files, and what they sign."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from livepin.author import keys
from livepin.author.signers import pem, pkcs8
from livepin.author.signers.pem import KeyKind
from livepin.core.jws import PublicKey
from livepin.core.pins import digests_of_pem
from livepin.errors import InputInvalid, KeyUnusable

PASSPHRASE = "correct horse Ü"


@pytest.fixture(params=list(KeyKind), scope="module")
def key_file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> keys.KeyFile:
    """Made once for all tests: deriving its encryption key is slow on purpose."""
    return keys.new_key(tmp_path_factory.mktemp("keys"), "signing", request.param, PASSPHRASE)


def folder(key_file: keys.KeyFile) -> Path:
    return key_file.path.parents[1]


def test_a_key_is_listed_without_its_passphrase(key_file: keys.KeyFile) -> None:
    assert keys.list_keys(folder(key_file)) == (key_file,)
    signer = pem.open_signer(key_file.path, PASSPHRASE)
    assert PublicKey.from_text(key_file.public_key) == signer.public_key
    assert key_file.thumbprint == signer.public_key.thumbprint
    assert keys.list_keys(folder(key_file) / "elsewhere") == ()


def test_the_file_is_encrypted_and_private(key_file: keys.KeyFile) -> None:
    assert key_file.path.stat().st_mode & 0o777 == 0o600
    assert key_file.path.read_text("ascii").startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    with pytest.raises(KeyUnusable) as raised:
        pem.open_signer(key_file.path, "wrong horse")
    assert raised.value.code == "passphrase_wrong"
    assert "horse" not in str(raised.value)


def test_other_programs_open_the_file(key_file: keys.KeyFile) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl program")
    command = [openssl, "pkey", "-in", str(key_file.path), "-passin", f"pass:{PASSPHRASE}", "-pubout"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert PublicKey.from_text(done.stdout.decode("ascii")) == PublicKey.from_text(key_file.public_key)


def test_guessing_the_passphrase_is_slow(key_file: keys.KeyFile) -> None:
    assert pkcs8.ROUNDS >= 600_000
    der = b"".join(key_file.path.read_bytes().split(b"\n")[1:-2])
    assert b"\x02\x03" + pkcs8.ROUNDS.to_bytes(3, "big") in base64.b64decode(der)


def test_a_key_is_never_overwritten(key_file: keys.KeyFile) -> None:
    before = key_file.path.read_bytes()
    with pytest.raises(KeyUnusable) as raised:
        keys.new_key(folder(key_file), "signing", KeyKind.P256, PASSPHRASE)
    assert raised.value.code == "key_exists"
    assert key_file.path.read_bytes() == before


def test_a_short_passphrase_makes_no_key(tmp_path: Path) -> None:
    with pytest.raises(KeyUnusable) as raised:
        keys.new_key(tmp_path, "signing", KeyKind.P256, "1234567")
    assert raised.value.code == "passphrase_weak"
    assert not list(tmp_path.rglob("*.pem"))


@pytest.mark.parametrize("name", ["", "a/b", "..", "ü", "a b"])
def test_a_name_that_would_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputInvalid):
        keys.new_key(tmp_path, name, KeyKind.P256, PASSPHRASE)


def private_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, passphrase: str | None) -> str:
    encryption = (
        serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    )
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode()


def test_keys_that_are_not_used(tmp_path: Path) -> None:
    p256 = ec.generate_private_key(ec.SECP256R1())
    cases = {
        "unencrypted": private_pem(p256, None),
        "two": private_pem(p256, PASSPHRASE) * 2,
        "p384": private_pem(ec.generate_private_key(ec.SECP384R1()), PASSPHRASE),
        "rsa": private_pem(rsa.generate_private_key(65537, 2048), PASSPHRASE),
        "text": "my key",
    }
    for name, text in cases.items():
        path = tmp_path / f"{name}.pem"
        path.write_text(text, "ascii")
        with pytest.raises(KeyUnusable) as raised:
            pem.open_signer(path, PASSPHRASE)
        assert (name, raised.value.code) == (name, "key_unusable")
    with pytest.raises(KeyUnusable) as raised:
        pem.open_signer(tmp_path / "missing.pem", PASSPHRASE)
    assert raised.value.code == "key_missing"


def test_a_key_that_another_program_made(tmp_path: Path) -> None:
    path = tmp_path / "theirs.pem"
    path.write_text(private_pem(ec.generate_private_key(ec.SECP256R1()), PASSPHRASE), "ascii")
    signer = pem.open_signer(path, PASSPHRASE)
    assert signer.public_key.verify(b"x", signer.sign(b"x"))


@pytest.mark.parametrize(
    ("pattern", "stem", "names"),
    [
        ("api.example.com", "api.example.com", ["api.example.com"]),
        ("**.example.com", "anyany.example.com", ["example.com", "*.example.com"]),
        ("192.0.2.1", "192.0.2.1", ["192.0.2.1"]),
        ("2001:db8::1", "2001_db8__1", ["2001:db8::1"]),
    ],
)
def test_a_backup_key_with_its_request(tmp_path: Path, pattern: str, stem: str, names: list[str]) -> None:
    made = keys.new_backup(tmp_path, pattern, PASSPHRASE)
    assert (made.key.name, made.csr.name) == (f"{stem}.key.pem", f"{stem}.csr.pem")
    assert made.key.stat().st_mode & 0o777 == 0o600
    request = x509.load_pem_x509_csr(made.csr.read_bytes())
    assert request.is_signature_valid
    extension = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in extension] == names
    public = pem.load(made.key, PASSPHRASE).public_key()
    text = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert made.spki_sha256 == digests_of_pem(text.decode())["spki_sha256"]


def test_a_backup_that_exists_is_used_again(tmp_path: Path) -> None:
    first = keys.new_backup(tmp_path, "api.example.com", PASSPHRASE)
    assert keys.new_backup(tmp_path, "api.example.com", "another passphrase") == first
    first.csr.unlink()  # as after a crash between the two
    assert keys.new_backup(tmp_path, "api.example.com", PASSPHRASE) == first


def test_a_backup_that_is_pinned_already_gets_a_successor(tmp_path: Path) -> None:
    first = keys.new_backup(tmp_path, "api.example.com", PASSPHRASE)
    second = keys.new_backup(tmp_path, "api.example.com", PASSPHRASE, [first.spki_sha256])
    assert second.spki_sha256 != first.spki_sha256
    assert second.key.name == "api.example.com.2.key.pem"


def test_a_request_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / "api.example.com.csr.pem").write_text("nonsense")
    with pytest.raises(KeyUnusable) as raised:
        keys.new_backup(tmp_path, "api.example.com", PASSPHRASE)
    assert raised.value.code == "key_unusable"
