"""The whole error tree: one root, and for every error a stable code, a message, a hint and a place in the docs.

A caller catches classes; logs, tests and other programs compare codes. The one error that ``ssl`` clients see is
``livepin.PinError`` (in ``client/refusal.py``): it adds the ``ssl`` base class to `PeerRefused`, and lives there
because nothing under ``core`` may import ``ssl``.
"""

from __future__ import annotations

from typing import Any, ClassVar

DOCS = "errors.md"

#: Every code, with what to do about it when the place that raises has nothing better to say.
CODES: dict[str, str] = {
    # V1 and V2: the text and its header
    "malformed": "Fetch the file again; if it stays, publish the project again.",
    "too_large": "Split the project: a document has at most 8 MiB and 10,000 host patterns.",
    "header_invalid": "Publish with Livepin, or compare the header with the format reference.",
    "algorithm_refused": "Sign with ES256 (P-256) or EdDSA (Ed25519), whichever the key is for.",
    # V3: the key
    "unknown_key": "Check that the embedded public key belongs to the project that signed this document.",
    "keyset_invalid": "Make the key set again and have the anchor sign it.",
    "keyset_expired": "Have the anchor sign a new key set with a higher epoch, and publish again.",
    "keyset_not_yet_valid": "Compare the clock of this machine with the signer's.",
    "threshold_unmet": "Have enough of the embedded anchors sign this key set.",
    "key_revoked": "Sign with a key that is not revoked.",
    # V4 to V6: signature, payload, audience
    "bad_signature": "The file was changed after it was signed: look who can write to the origin or the CDN.",
    "payload_invalid": "Compare the payload with the format reference; the message names the member.",
    "critical_unknown": "Upgrade Livepin: the document demands something that this version does not know.",
    "unsupported_format": "Upgrade Livepin: this is a document of another format.",
    "wrong_audience": "Check the organization ID, the project ID and the URL.",
    # V7 and V8: time and order
    "not_yet_valid": "Compare the clock of this machine with the signer's.",
    "rolled_back": "An older document was served: look at the CDN's cache and at who can write to the origin.",
    "forked": "Two documents carry one number: publish a new serial, and find out who signed the other.",
    # F3 to F6: freshness statements
    "other_revision": "Sign a statement for what is published now: `livepin freshness publish`.",
    # verdicts
    "matched": "Nothing to do.",
    "off": "Nothing to do: this pattern is switched off.",
    "unlisted": "Add the host to the project, or set `unlisted` to `allow`.",
    "expired": "Publish the project again: its document is out of date.",
    "denied": "The peer showed a key that the project denies. If it is yours, replace it and publish.",
    "pin_mismatch": "If the service has a new key, publish its pin; if not, somebody is in between.",
    "ct_failed": "Look at the certificate's CT evidence with `livepin look`.",
    "host_invalid": "Connect by a DNS name or an IP address; write international names as A-labels.",
    "no_document": "Check the configuration URL; bundle a seed so that a first start needs no network.",
    # names, certificates, keys, text
    "pattern_invalid": "Write the pattern as `name`, `*.name` or `**.name`, in lower case and as A-labels.",
    "public_suffix": "Name the domain: a wildcard on a public suffix covers strangers' sites.",
    "certificate_invalid": "Give one X.509 certificate, as PEM or DER.",
    "key_invalid": "Give a P-256 or Ed25519 public key, as PEM or as Base64 of its SPKI DER.",
    "json_invalid": "Send strict JSON (RFC 8259): no duplicate names, no fractions, no null.",
    "encoding_invalid": "Send canonical Base64.",
    "request_invalid": "Compare the line with the conformance door's page.",
    # setting up an application
    "configuration_invalid": "Correct the value that the message names.",
    "configuration_url_missing": "Pass configuration_url=… or set LIVEPIN_CONFIGURATION_URL.",
    "configuration_url_invalid": "Use an https URL (http only on loopback).",
    "seed_invalid": "Bundle the published document of this very project: `livepin embed --seed FILE`.",
    "hook_unavailable": "Report this with the versions of Python and pyOpenSSL: one has not the expected shape.",
    # fetching and keeping
    "source_unreachable": "Check the network, the proxy and the URL.",
    "source_timeout": "The source is too slow: check the CDN, or add a second configuration URL.",
    "source_status": "The source answered with an error: check the URL and the CDN.",
    "withdrawn": "The document is gone from the source (404 or 410): publish again, or check the URL.",
    "freshness_missing": "Publish a freshness statement beside the document: `livepin freshness publish`.",
    "source_too_large": "The answer is larger than a document may be: check what answers at this URL.",
    "source_redirect_refused": "Use the final https URL.",
    "source_truncated": "The answer ended early: check the CDN.",
    "source_encoding": "Serve the document as it is, or gzipped.",
    "store_unusable": "Give the store a directory of its own: owned by this user, mode 0700, not below /tmp.",
    # the project file and what it names
    "project_missing": "Run this in a project's folder, or name it with -C; `livepin init` makes one, and "
    "`livepin pull` one of a server's project.",
    "project_exists": "Use the project that is there, or give `livepin init` another --directory.",
    "project_invalid": "Correct the line that the message names; docs/cli.md describes `livepin.toml`.",
    "file_unreadable": "Check that the file exists, is text, and may be read.",
    "file_unwritable": "Check that the folder exists and may be written to, and that the disk is not full.",
    "entry_missing": "List what there is with `livepin host list`, `livepin pin list` or `livepin deny list`.",
    "revision_missing": "List the numbers in `revisions/`, or name a file.",
    # signing keys and their passphrases
    "passphrase_missing": "Pass --passphrase-file FILE, set LIVEPIN_PASSPHRASE, or run this in a terminal.",
    "passphrase_weak": "Choose a passphrase of at least 8 characters.",
    "passphrase_wrong": "Try again; if you are sure of the passphrase, the key file is damaged.",
    "key_missing": "Make one with `livepin keys new NAME`, or correct `file` under [key] in `livepin.toml`.",
    "key_exists": "Choose another name: a key file is never overwritten.",
    "key_unusable": "Give an encrypted PKCS#8 PEM file that holds a P-256 or Ed25519 key.",
    "key_mismatch": "Sign with the key whose public half stands under [key] in `livepin.toml`.",
    # where signing keys live
    "signer_invalid": "Name a file, or write pkcs11:…, aws-kms:… or detached: as docs/keys.md shows.",
    "signer_failed": "Try `livepin signer test`; the message says what the token or the service answered.",
    "signature_refused": "Sign exactly the text that was exported, with the key that it asks for.",
    "signature_elsewhere": "`livepin sign --export FILE`, sign it there, `livepin sign --import FILE` here.",
    "signing_input_invalid": "Give the file that `livepin sign --export` or `livepin keyset` wrote, unchanged.",
    "master_key_invalid": "Write it as ID:BASE64, with 32 bytes of value.",
    "master_key_missing": "Give the old master key beside the new one until all keys are sealed again.",
    "seal_broken": "Restore the sealed key from a backup; if there is none, have the anchor name a new signing key.",
    # key sets and anchors
    "keyset_missing": "Make one with `livepin keyset new`; `livepin recover` takes the one that was published.",
    "keyset_exists": "Change the key set with `livepin keyset rotate` or `livepin keyset revoke`.",
    "keyset_behind": "Bring the newest key set here (`livepin recover`), or go beyond it: `livepin keyset rotate`.",
    "anchor_missing": "Name it with --anchor PLACE; `livepin keyset show` lists the fingerprints.",
    "anchor_unknown": "Sign with an anchor that applications embed; `livepin anchor add` adds one to the project.",
    "sheet_invalid": "Compare the line with the paper; the check at its end tells when it is right.",
    "serials_exhausted": "Revoke the key: `livepin keyset revoke`; in the next epoch serials start again at 1.",
    # publishing
    "guard_refused": "Change the project, or pass --override RULE=REASON for each rule that does not apply.",
    "origin_failed": "Check the origin, then publish again: every step is safe to repeat.",
    "origin_ahead": "Publish again: the next number is taken from what the origin holds now.",
    "serial_taken": "Publish again: somebody else is publishing this project, or the origin holds strange objects.",
    "read_back_failed": "The origin does not give back what was written: look who else can write to it.",
    "freshness_ahead": "Nothing to do: what is published is prolonged further already.",
    "not_extendable": "Publish with `extendable_days`, under a key set that names refresh keys.",
    "not_confirmed": "The origin is up to date. Check the public URL and the CDN's cache, or pass --no-confirm.",
    # logs of Certificate Transparency
    "ct_list_invalid": "Give Chrome's list (version 3) or Apple's, as it was fetched; the message says what is wrong.",
    "ct_list_unsigned": "Pass --signature and --public-key, or --unsigned if you trust the way by which you got it.",
    "ct_list_signature": "Fetch list and signature again, both of one version, and do not let anything re-encode them.",
    "ct_list_older": "Fetch the newest list; somebody may be keeping it from you.",
    "ct_log_refused": "Leave this log out.",
    "ct_logs_missing": "Make a log table: `livepin ct logs import` or `livepin ct logs add`; see docs/ct.md.",
    "confirmation_missing": "Look at it with --dry-run, then pass --yes.",
    # looking at live endpoints
    "look_failed": "Check the name, the port, the network and the proxy; --address tries one address.",
    # the server
    "unauthenticated": "Sign in, or send a token that is valid: `Authorization: Bearer …`.",
    "second_factor_missing": "Set up a passkey or one-time passwords in the dashboard, and come back.",
    "forbidden": "Ask an owner or admin of the organization for a role, or a token of a scope, that may do this.",
    "not_found": "Check the identifiers; what others own is answered like what does not exist.",
    "identifier_taken": "Choose another identifier: one that was used is never given to another.",
    "draft_changed": "Somebody changed the draft meanwhile: read it again, and repeat your change.",
    "version_missing": "Send the draft's version, as it was read, in If-Match.",
    "limit_reached": "Ask the operator for a higher limit, or remove what is no longer needed. Pins are never limited.",
    "http_invalid": "Compare the request with docs/api.md.",
    "method_unsupported": "Use one of the methods that the answer lists in Allow.",
    "media_type_unsupported": "Send the body as `Content-Type: application/json`.",
    "body_too_large": "Send less at once; a whole draft has at most 10,000 hosts.",
    "link_invalid": "Ask for a new link or code: each works once, and for a short time.",
    "rate_limited": "Wait as long as Retry-After says, then go on more slowly.",
    "last_owner": "Make somebody else an owner first: an organization has one at least.",
    "superseded": "Look at what is published now (`diff`), and publish again if this is still wanted.",
    "key_reused": "Send a new idempotency key with a new request; repeat a request unchanged with the old one.",
    "value_invalid": "Correct the value that the message names.",
    "state_wrong": "Look at its state again: this cannot be done in it.",
    "key_sealed": "Give the server the master key under which this key was sealed.",
    # the command line of a server's project
    "server_unreachable": "Check the network and the server. Published documents work on; files (`-C`) need no server.",
    "server_failed": "Try again; if it stays, the operator finds the request by its number in the server's log.",
    "server_strange": "Check the server's URL: what answers there is not Livepin's API.",
    "server_url_invalid": "Give an https URL (http only on loopback), without a user name, a query or a fragment.",
    "signed_out": "Sign in: `livepin login URL`; in CI, set LIVEPIN_SERVER and LIVEPIN_TOKEN.",
    "sign_in_ended": "Start again with `livepin login`; nobody approved it in time, or somebody said no.",
    "profile_missing": "List the profiles with `livepin profile list`; `livepin login URL --profile NAME` makes one.",
    "profiles_unusable": "Correct or remove the file that the message names, and sign in again: `livepin login`.",
    "project_unnamed": "Name it with --project ORG/PROJECT, here or (for good) with `livepin profile use`.",
    "draft_unpushed": "Bring it there with `livepin push`, or throw it away with --replace.",
    "draft_unknown": "Look at both first; `livepin pull` takes the server's, `livepin push --replace` overwrites it.",
    # an installation of the server
    "backup_invalid": "Give the file that `livepin server backup` wrote, unchanged.",
    "backup_expired": "Take a younger backup, or give the copy of keys/ in which its key still is.",
    "restore_refused": "Restore into an empty data folder, and an empty database.",
    "program_missing": "Install it, and put it on the PATH.",
    "program_failed": "The message is that program's own; correct what it names.",
    # the command line
    "extra_missing": "Install what the command line needs: pip install 'livepin[cli]'.",
    "usage": "Run the command with --help.",
    "internal": "This is a bug in Livepin: report it with the command and the output of LIVEPIN_DEBUG=1.",
}


class LivepinError(Exception):
    """Root of all errors.

    Attributes: `code` (stable, see docs/errors.md), `message` (what), `where` (file, member, host …; may be
    empty), `hint` (what to do), `docs` (page and anchor).
    """

    #: Exit status of the command line for this kind of error.
    exit_status: ClassVar[int] = 1

    def __init__(self, code: str, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.where = where
        self.hint = hint or CODES.get(code, "")

    @property
    def docs(self) -> str:
        """Page and anchor that explain this code."""
        return f"{DOCS}#{self.code}"

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        hint = f" {self.hint}" if self.hint else ""
        return f"{place}{self.message} [{self.code}]{hint}"

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are rebuilt from `args`, which do not carry the keyword arguments: rebuild from the attributes.
        return _rebuild, (type(self), self.args, dict(self.__dict__))


def _rebuild(kind: type[LivepinError], args: tuple[Any, ...], state: dict[str, Any]) -> LivepinError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class DocumentRefused(LivepinError):
    """A document failed a verification step. `step` is the number of that step, `V1` to `V8`."""

    def __init__(self, code: str, step: str, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(code, message, where=where, hint=hint)
        self.step = step


class StatementIgnored(LivepinError):
    """A freshness statement prolongs nothing. `step` is the number of the step that it failed, `F1` to `F7`."""

    def __init__(self, code: str, step: str, message: str) -> None:
        super().__init__(code, message)
        self.step = step


class InputInvalid(LivepinError):
    """Something that a person or a program handed in cannot be used."""

    exit_status = 3


class HostInvalid(InputInvalid):
    """A host that is neither a name nor an address (J1)."""


class PatternInvalid(InputInvalid):
    """A host pattern that is malformed, not in normal form, or covers a public suffix (J1, J2)."""


class CertificateInvalid(InputInvalid):
    """DER or PEM that holds no X.509 certificate or public key."""


class KeyInvalid(InputInvalid):
    """A public key that is neither P-256 nor Ed25519, or is malformed."""


class JsonInvalid(InputInvalid):
    """Text that is not strict JSON."""


class EncodingInvalid(InputInvalid):
    """Text that is not canonical Base64 or base64url."""


class RequestInvalid(InputInvalid):
    """A line at the conformance door that is no request."""


class ConfigurationError(InputInvalid):
    """Set-up was called with values that cannot work."""


class FetchFailed(LivepinError):
    """A source did not deliver a document. `status` is the HTTP status where there was one."""

    exit_status = 5

    def __init__(self, code: str, message: str, *, where: str = "", hint: str = "", status: int = 0) -> None:
        super().__init__(code, message, where=where, hint=hint)
        self.status = status


class StoreUnusable(LivepinError):
    """The directory or file in which the last document is kept cannot be trusted or used."""

    exit_status = 5


class ProjectInvalid(InputInvalid):
    """The project file, or a file that it names, is missing or cannot be used."""


class KeyUnusable(LivepinError):
    """A signing key or its passphrase is missing, wrong or not fit to sign."""

    exit_status = 4


class PublishRefused(LivepinError):
    """The answer is no: the guard, or the order of revisions, forbids this publish."""


class OriginFailed(LivepinError):
    """An origin did not do what it was asked to, or did it and did not say so. Repeating is safe."""

    exit_status = 5


class LookFailed(LivepinError):
    """No address of a live endpoint answered."""

    exit_status = 5


class CommandFailed(LivepinError):
    """A command ran to its end and its answer is no."""


class Unauthenticated(LivepinError):
    """Nobody has signed in, or the token is unknown, expired or revoked."""

    exit_status = 4


class Forbidden(LivepinError):
    """Somebody who may see a thing may not do this to it."""

    exit_status = 4


class SecondFactorMissing(Forbidden):
    """The organization demands a second factor of its members, and the account has none."""


class NotFound(InputInvalid):
    """There is no such thing, or nothing that whoever asks may know of."""


class Conflict(LivepinError):
    """It would have gone through at another moment: something else was first."""


class LimitReached(LivepinError):
    """A limit of the plan: on projects, hosts or organizations, never on pins."""


class ServerFailed(LivepinError):
    """A server could not be reached, or did not do its part; nothing that was asked for is known to be done."""

    exit_status = 5


class RateLimited(LivepinError):
    """Too much in too short a time. `seconds`: when to try again."""

    exit_status = 5

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__("rate_limited", message)
        self.seconds = seconds


class ValueInvalid(InputInvalid):
    """A value that does not fit where it was given; `where` names the member."""


class PeerRefused(LivepinError):
    """A TLS peer was blocked. The pure half of ``livepin.PinError``."""
