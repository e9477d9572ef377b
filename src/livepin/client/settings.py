"""What an application sets up, checked: arguments first, `LIVEPIN_*` from the environment for what they leave out."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from livepin.client.address import document_urls
from livepin.client.directory import default_directory
from livepin.client.events import Event
from livepin.client.snapshot import WithoutDocument
from livepin.core.hosts import parse_pattern
from livepin.core.jws import PublicKey
from livepin.core.trust import Trust
from livepin.errors import ConfigurationError, KeyInvalid, PatternInvalid

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
#: Separates several values of one environment variable. It occurs in neither URLs as we allow them nor Base64.
_SEPARATOR = ","


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that set-up was told. `store` None: nothing is kept on disk; `wait` in seconds."""

    trust: Trust
    urls: tuple[str, ...]
    without_document: WithoutDocument
    drops_denied: bool
    store: Path | None
    seed: str | None
    wait: float
    on_event: Callable[[Event], object] | None
    ca_file: str | None


class Arguments(TypedDict, total=False):
    """What `livepin.setup` and `livepin.Pinner` take. What is left out is taken from the environment, where it says so.

    - `organization_id`, `project_id` (`LIVEPIN_ORGANIZATION_ID`, `LIVEPIN_PROJECT_ID`)
    - `public_key`: one or several anchors, PEM or Base64 of the SPKI (`LIVEPIN_PUBLIC_KEY`, several by commas)
    - `configuration_url`: one or several; one that ends in `/` is a base (`LIVEPIN_CONFIGURATION_URL`, likewise)
    - `threshold`: how many of the anchors must sign a key set; default 1 (`LIVEPIN_THRESHOLD`)
    - `hosts`: patterns that are blocked while there is no document at all; default every host
    - `without_document`: `"block"` (default) or `"allow"`: what happens to them then
    - `on_denied`: `"drop"` (default) or `"keep"`: what happens to open connections when a document denies their key
    - `store`: a directory of one's own for the last document; True (default) the usual place; None for none
    - `seed`: a bundled document, as text or as a path (`LIVEPIN_SEED`, a path)
    - `wait`: seconds to wait for a first answer, outside event loops; default 3
    - `on_event`: called with every `Event`, in the thread where it happens
    - `ca_file`: PEM of further CAs for the configuration URL (`LIVEPIN_CA_FILE`)
    """

    organization_id: str | None
    project_id: str | None
    public_key: str | Sequence[str] | None
    configuration_url: str | Sequence[str] | None
    threshold: int | None
    hosts: Sequence[str] | None
    without_document: str
    on_denied: str
    store: str | os.PathLike[str] | bool | None
    seed: str | bytes | os.PathLike[str] | None
    wait: float
    on_event: Callable[[Event], object] | None
    ca_file: str | os.PathLike[str] | None


def read_settings(arguments: Arguments) -> Settings:
    """Check what `setup` and `Pinner` were called with. Raises `ConfigurationError`, which names the argument."""
    unknown = sorted(arguments.keys() - Arguments.__annotations__.keys())
    if unknown:
        raise TypeError(f"unexpected argument {unknown[0]!r}; known are {', '.join(Arguments.__annotations__)}")
    ca_file = arguments.get("ca_file")
    organization = _identifier("organization_id", arguments.get("organization_id"))
    project = _identifier("project_id", arguments.get("project_id"))
    anchors = _anchors(_several("public_key", arguments.get("public_key")))
    urls = document_urls(_several("configuration_url", arguments.get("configuration_url")), organization, project)
    trust = Trust(organization, project, anchors, _threshold(arguments.get("threshold"), len(anchors)))
    return Settings(
        trust,
        urls,
        WithoutDocument(
            _patterns(arguments.get("hosts")),
            _either("without_document", arguments.get("without_document", "block"), "block", "allow"),
        ),
        _either("on_denied", arguments.get("on_denied", "drop"), "drop", "keep"),
        _store(arguments.get("store", True)),
        _seed(arguments.get("seed")),
        _seconds(arguments.get("wait", 3.0)),
        arguments.get("on_event"),
        os.fspath(ca_file) if ca_file is not None else os.environ.get("LIVEPIN_CA_FILE"),
    )


def _variable(argument: str) -> str:
    return f"LIVEPIN_{argument.upper()}"


def _invalid(argument: str, why: str) -> ConfigurationError:
    hint = f"Pass {argument}=… or set {_variable(argument)}."
    return ConfigurationError("configuration_invalid", why, where=argument, hint=hint)


def _identifier(argument: str, value: str | None) -> str:
    value = value if value is not None else os.environ.get(_variable(argument))
    if not value:
        raise _invalid(argument, "is missing")
    if not isinstance(value, str) or _IDENTIFIER.fullmatch(value) is None:
        raise _invalid(argument, "is not an ID: 1 to 64 letters, digits, dots, hyphens and underscores")
    return value


def _several(argument: str, value: str | Sequence[str] | None) -> tuple[str, ...]:
    if value is None:
        value = [part.strip() for part in os.environ.get(_variable(argument), "").split(_SEPARATOR) if part.strip()]
    if not isinstance(value, str | list | tuple):
        raise _invalid(argument, "is neither text nor a list of texts")
    return (value,) if isinstance(value, str) else tuple(value)


def _anchors(texts: tuple[str, ...]) -> tuple[PublicKey, ...]:
    if not texts:
        raise _invalid("public_key", "is missing")
    try:
        anchors = [PublicKey.from_text(text) for text in texts]
    except (KeyInvalid, TypeError, AttributeError) as error:
        why = error.message if isinstance(error, KeyInvalid) else "is not text"
        raise _invalid("public_key", why) from None
    return tuple({anchor.thumbprint: anchor for anchor in anchors}.values())


def _threshold(value: int | None, anchors: int) -> int:
    text = os.environ.get("LIVEPIN_THRESHOLD", "1") if value is None else str(value)
    if not text.isdecimal() or not 1 <= int(text) <= anchors:
        raise _invalid("threshold", f"is not a number from 1 to {anchors}, the number of public keys")
    return int(text)


def _without_document(hosts: Sequence[str] | None, answer: str) -> WithoutDocument:
    return WithoutDocument(_patterns(hosts), _either("without_document", answer, "block", "allow"))


def _patterns(hosts: Sequence[str] | None) -> frozenset[str] | None:
    if hosts is None:
        return None
    if not isinstance(hosts, list | tuple | set | frozenset):
        raise _invalid("hosts", "is not a list of patterns")
    try:
        return frozenset(parse_pattern(text).text for text in hosts)
    except PatternInvalid as error:
        raise _invalid("hosts", f"{error.where} is no pattern: {error.message}") from None


def _either(argument: str, value: str, yes: str, no: str) -> bool:
    if value not in (yes, no):
        raise _invalid(argument, f'is neither "{yes}" nor "{no}"')
    return value == yes


def _store(value: str | os.PathLike[str] | bool | None) -> Path | None:
    if value is None or value is False:
        return None
    return default_directory() if value is True else Path(value)


def _seed(value: str | bytes | os.PathLike[str] | None) -> str | None:
    """The text of a bundled document: given as text, or as the path of a file."""
    if value is None:
        path = os.environ.get("LIVEPIN_SEED")
        return None if path is None else _read_seed(Path(path))
    if isinstance(value, bytes):
        return value.decode("ascii", "replace").strip()
    if isinstance(value, str) and value.count(".") == 2 and "/" not in value and value.startswith("ey"):
        return value.strip()
    return _read_seed(Path(value))


def _read_seed(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace").strip()
    except OSError as error:
        raise ConfigurationError("seed_invalid", f"cannot be read: {error.strerror}", where=str(path)) from None


def _seconds(wait: float) -> float:
    if not isinstance(wait, int | float) or not 0 <= wait <= 60:
        raise _invalid("wait", "is not a number of seconds from 0 to 60")
    return float(wait)
