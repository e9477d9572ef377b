"""An application embeds three strings and a URL; what is wrong with them is said at once, by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from livepin import ConfigurationError
from livepin.client.directory import default_directory
from livepin.client.settings import Settings, read_settings
from livepin.testing import DocumentAuthority, SigningKey

ES256, EDDSA = SigningKey.generate(), SigningKey.generate("EdDSA")
GOOD: dict[str, Any] = {
    "organization_id": "acme",
    "project_id": "shop",
    "public_key": ES256.public_key,
    "configuration_url": "https://pins.example.com/",
}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a test sets."""
    for name in ("ORGANIZATION_ID", "PROJECT_ID", "PUBLIC_KEY", "CONFIGURATION_URL", "THRESHOLD", "SEED", "CA_FILE"):
        monkeypatch.delenv(f"LIVEPIN_{name}", raising=False)


def settings(**other: Any) -> Settings:
    arguments: Any = {**GOOD, **other}
    return read_settings(arguments)


def refusal(**other: Any) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        settings(**other)
    return caught.value


def pem(key: SigningKey) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

    return load_der_public_key(key.public.spki).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


# ---------------------------------------------------------------- what is embedded


def test_four_strings_are_enough() -> None:
    found = settings()
    assert (found.trust.organization, found.trust.project, found.trust.threshold) == ("acme", "shop", 1)
    assert found.urls == ("https://pins.example.com/acme/shop/pins.jws",)
    assert list(found.trust.anchors) == [ES256.thumbprint]
    assert (found.seed, found.wait, found.ca_file, found.on_event) == (None, 3.0, None, None)
    assert (found.without_document.patterns, found.without_document.blocks) == (None, True)


@pytest.mark.parametrize("key", [ES256, EDDSA], ids=["P-256", "Ed25519"])
def test_a_public_key_is_pem_or_base64(key: SigningKey) -> None:
    for text in (key.public_key, pem(key), f"  {pem(key)}\n"):
        assert list(settings(public_key=text).trust.anchors) == [key.thumbprint]


def test_several_keys_and_urls_keep_their_order_and_each_counts_once() -> None:
    found = settings(
        public_key=[EDDSA.public_key, ES256.public_key, pem(EDDSA)],
        configuration_url=["https://b.example/", "https://a.example/pins", "https://b.example"],
        threshold=2,
    )
    assert list(found.trust.anchors) == [EDDSA.thumbprint, ES256.thumbprint]
    assert found.urls == ("https://b.example/acme/shop/pins.jws", "https://a.example/pins")
    assert found.trust.threshold == 2


#: Argument and value, by name: the IDs of tests must not hold keys that are made anew by each process.
WRONG: dict[str, tuple[str, Any]] = {
    "no organization": ("organization_id", None),
    "empty": ("organization_id", ""),
    "hyphen first": ("organization_id", "-acme"),
    "slash": ("organization_id", "ac/me"),
    "too long": ("organization_id", "a" * 65),
    "not ASCII": ("organization_id", "acmé"),
    "line end": ("organization_id", "acme\n"),
    "number": ("organization_id", 7),
    "dot first": ("project_id", ".shop"),
    "no key": ("public_key", None),
    "no keys": ("public_key", []),
    "text": ("public_key", "no key"),
    "one of two": ("public_key", [ES256.public_key, "no key"]),
    "bytes": ("public_key", b"bytes"),
    "key a number": ("public_key", 7),
    "hosts a number": ("hosts", 7),
    "threshold 0": ("threshold", 0),
    "more than keys": ("threshold", 2),
    "threshold in words": ("threshold", "two"),
    "hosts a string": ("hosts", "localhost"),
    "host not normal": ("hosts", ["LOCALHOST"]),
    "host a star": ("hosts", ["*"]),
    "neither": ("without_document", "maybe"),
    "negative": ("wait", -1),
    "too patient": ("wait", 61),
    "not a number": ("wait", float("nan")),
    "wait in words": ("wait", "3"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_value_is_named(wrong: str) -> None:
    argument, value = WRONG[wrong]
    error = refusal(**{argument: value})
    assert error.code == "configuration_invalid"
    assert error.where.startswith(argument)
    assert error.hint


def test_no_url_at_all_has_a_code_of_its_own() -> None:
    assert refusal(configuration_url=None).code == "configuration_url_missing"


@pytest.mark.parametrize("url", ["http://pins.example.com/", "ftp://pins.example.com/", "pins.example.com"])
def test_a_url_that_is_not_https_is_refused(url: str) -> None:
    assert refusal(configuration_url=url).code == "configuration_url_invalid"


def test_an_argument_that_does_not_exist_is_a_mistake_in_the_program() -> None:
    with pytest.raises(TypeError, match="'organisation_id'"):
        settings(organisation_id="acme")


# ---------------------------------------------------------------- the environment


def test_the_environment_fills_what_the_call_leaves_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    documents = DocumentAuthority()
    seed = tmp_path / "seed.jws"
    seed.write_text(documents.sign() + "\n")
    variables = {
        "ORGANIZATION_ID": "acme",
        "PROJECT_ID": "shop",
        "PUBLIC_KEY": f"{ES256.public_key},{EDDSA.public_key}",
        "CONFIGURATION_URL": "https://a.example/, https://b.example/x",
        "THRESHOLD": "2",
        "SEED": str(seed),
        "CA_FILE": "/etc/ca.pem",
    }
    for name, value in variables.items():
        monkeypatch.setenv(f"LIVEPIN_{name}", value)
    found = read_settings({})
    assert (found.trust.organization, found.trust.project, found.trust.threshold) == ("acme", "shop", 2)
    assert list(found.trust.anchors) == [ES256.thumbprint, EDDSA.thumbprint]
    assert found.urls == ("https://a.example/acme/shop/pins.jws", "https://b.example/x")
    assert (found.seed, found.ca_file) == (documents.current, "/etc/ca.pem")


def test_what_the_call_says_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEPIN_ORGANIZATION_ID", "other")
    monkeypatch.setenv("LIVEPIN_PUBLIC_KEY", "no key")
    assert settings().trust.organization == "acme"


def test_a_wrong_value_from_the_environment_is_named_with_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEPIN_PROJECT_ID", "no/id")
    assert "LIVEPIN_PROJECT_ID" in refusal(project_id=None).hint


# ---------------------------------------------------------------- seed and store


def test_a_seed_is_text_or_a_file(tmp_path: Path) -> None:
    text = DocumentAuthority().sign()
    file = tmp_path / "seed.jws"
    file.write_text(text + "\n")
    for seed in (text, text.encode(), f"{text}\n", file, str(file)):
        assert settings(seed=seed).seed == text


def test_a_seed_that_is_not_there_is_an_error_of_set_up(tmp_path: Path) -> None:
    error = refusal(seed=tmp_path / "absent.jws")
    assert (error.code, error.where) == ("seed_invalid", str(tmp_path / "absent.jws"))


def test_a_store_is_the_usual_place_a_directory_or_nothing(tmp_path: Path) -> None:
    assert settings().store == settings(store=True).store == default_directory()
    assert settings(store=tmp_path).store == settings(store=str(tmp_path)).store == tmp_path
    assert settings(store=None).store is None
    assert settings(store=False).store is None
