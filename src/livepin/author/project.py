"""The project file `livepin.toml`: what a person keeps under version control, and documents are made from.

It is a format of its own, for people: dates instead of Unix seconds, notes and sources beside pins, and how to look
at a host. `livepin publish` turns it into a document; nothing else does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from livepin.author.draft import DEFAULT_LIFE_DAYS, MAX_LIFE_DAYS, UNLISTED, Draft, is_identifier
from livepin.author.entries import host_of
from livepin.author.files import read_text, write_atomically
from livepin.author.signers.places import Place, parse_place
from livepin.author.toml import Table
from livepin.core.document import MAX_REFRESH_AFTER
from livepin.core.jws import PublicKey
from livepin.core.strictjson import MAX_INTEGER
from livepin.errors import KeyInvalid, KeyUnusable, ProjectInvalid

FILE_NAME = "livepin.toml"
#: As many anchors can sign one key set (design section 3).
MAX_ANCHORS = 8


@dataclass(frozen=True, slots=True)
class Pulled:
    """From where a project file was pulled: the server's URL, the version of the draft there, and its digest."""

    url: str
    draft_version: int
    draft_digest: str


@dataclass(frozen=True, slots=True)
class Project(Draft):
    """A project file that can be staged. Paths are relative to `directory`.

    `signer`: where the key is that signs documents, `public_key` its public half. `anchors`: what applications embed;
    where the anchor signs documents itself, `keyset_file` is empty and `public_key` is one of them. `pulled`: None
    for a project that no server knows of.
    """

    directory: Path
    folder: str
    url: str
    signer: Place
    public_key: PublicKey
    anchors: tuple[PublicKey, ...]
    threshold: int
    keyset_file: str
    ca: str
    proxy: str
    pulled: Pulled | None

    def path(self, relative: str) -> Path:
        """A path of the project file, from its folder."""
        return self.directory / relative


class ProjectFile:
    """`livepin.toml` with its comments: what is read, changed and written is the TOML text itself."""

    def __init__(self, path: Path, toml: tomlkit.TOMLDocument) -> None:
        self.path = path
        self.toml = toml

    @classmethod
    def open(cls, directory: Path) -> ProjectFile:
        """The project file of a folder. Raises `ProjectInvalid`."""
        path = directory / FILE_NAME
        if not path.exists():
            raise ProjectInvalid("project_missing", f"there is no {FILE_NAME}", where=str(directory))
        try:
            return cls(path, tomlkit.parse(read_text(path)))
        except TOMLKitError as error:
            raise ProjectInvalid("project_invalid", f"not TOML: {error}", where=str(path)) from None

    def read(self) -> Project:
        """What it says. Raises `ProjectInvalid`."""
        return _project(Table(self.toml.unwrap(), str(self.path)), self.path.parent)

    def text(self) -> str:
        """The file as it would be written."""
        return tomlkit.dumps(self.toml)

    def save(self) -> Project:
        """Write it, if what it says can be staged; otherwise the file on disk stays. Raises `ProjectInvalid`."""
        # Read back from the text: what counts is what the next command will find.
        project = ProjectFile(self.path, tomlkit.parse(self.text())).read()
        write_atomically(self.path, self.text())
        return project


def _identifier(table: Table, member: str) -> str:
    text = table.text(member)
    if not is_identifier(text):
        raise table.fault(member, "is not an ID: 1 to 64 letters, digits, dots, hyphens or underscores")
    return text


def _project(table: Table, directory: Path) -> Project:
    names = ("document", "publish", "key", "trust", "look")
    document, publish, key, trust, look = (table.table(name) for name in names)
    pulled = _pulled(table.table("server")) if table.has("server") else None
    hosts = tuple(host_of(one) for one in table.tables("host") or ())
    if len({entry.host for entry in hosts}) < len(hosts):
        raise table.fault("host", "has one pattern twice")
    project = Project(
        directory=directory,
        organization=_identifier(table, "organization"),
        project=_identifier(table, "project"),
        life_days=document.integer("life_days", 1, MAX_LIFE_DAYS, DEFAULT_LIFE_DAYS),
        extendable_days=document.integer("extendable_days", 1, MAX_LIFE_DAYS)
        if document.has("extendable_days")
        else None,
        refresh_after=document.integer("refresh_after", 1, MAX_REFRESH_AFTER)
        if document.has("refresh_after")
        else None,
        unlisted=document.choice("unlisted", UNLISTED, "allow"),
        deny=document.texts("deny"),
        folder=publish.text("folder", "public"),
        url=publish.text("url", ""),
        signer=_signer(key),
        public_key=(public_key := _public_key(key, "public_key", key.text("public_key"))),
        anchors=tuple(_public_key(trust, "anchors", one) for one in trust.texts("anchors")) or (public_key,),
        threshold=trust.integer("threshold", 1, MAX_ANCHORS, 1),
        keyset_file=trust.text("keyset", ""),
        ca=look.text("ca", ""),
        proxy=look.text("proxy", ""),
        pulled=pulled,
        hosts=hosts,
    )
    for read in (document, publish, key, trust, look, table):
        read.end()
    _check_anchors(trust, project)
    return project


def _pulled(server: Table) -> Pulled:
    version = server.integer("draft_version", 1, MAX_INTEGER)
    pulled = Pulled(server.text("url"), version, server.text("draft_digest"))
    server.end()
    return pulled


def _signer(key: Table) -> Place:
    if key.has("file") and key.has("signer"):
        raise key.fault("signer", "stands beside file: one of them")
    text = key.text("signer") if key.has("signer") else key.text("file", "keys/signing.pem")
    try:
        return parse_place(text)
    except KeyUnusable as error:
        raise key.fault("signer", f"is no signer: {error.message}") from None


def _public_key(table: Table, member: str, text: str) -> PublicKey:
    try:
        return PublicKey.from_text(text)
    except KeyInvalid as error:
        raise table.fault(member, f"is {error.message}") from None


def _check_anchors(trust: Table, project: Project) -> None:
    if len({one.thumbprint for one in project.anchors}) < len(project.anchors):
        raise trust.fault("anchors", "has one key twice")
    if len(project.anchors) > MAX_ANCHORS:
        raise trust.fault("anchors", f"has more than {MAX_ANCHORS} keys")
    if project.threshold > len(project.anchors):
        raise trust.fault("threshold", f"is more than the {len(project.anchors)} anchors there are")
