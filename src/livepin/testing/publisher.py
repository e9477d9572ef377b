"""A publisher of documents for tests: it signs what it is asked to, and misbehaves in one respect when asked to.

The honest ones, `sign` and `next`, are remembered; `new_epoch` changes what signs. The others are each wrong in
exactly one way, named in their docstrings with the verification step and code, and leave no trace: the next honest
document is what it would have been without them.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from livepin.core import jws
from livepin.core.base64s import b64
from livepin.testing.authority import ServerCertificate
from livepin.testing.clock import Clock
from livepin.testing.signing_key import SigningKey

#: Default lives in seconds (design section 3): of a document 30 days, of a key set 180 days.
DOCUMENT_LIFE = 30 * 86400
KEY_SET_LIFE = 180 * 86400

#: Of a freshness statement: hours, so that a frozen CDN is noticed within them.
STATEMENT_LIFE = 6 * 3600

_DOCUMENT, _KEY_SET, _STATEMENT = "livepin+jws", "livepin-keys+jws", "livepin-fresh+jws"


def policy(
    host: str, *pins: ServerCertificate | str | Mapping[str, object], action: str = "enforce", **members: object
) -> dict[str, object]:
    """What a document says about one host pattern, as it stands in `hosts`.

    A pin is a certificate (its leaf key is pinned), the Base64 of an SPKI SHA-256, or a pin as it stands in a
    document. Without any there is no member `pins`. `members` are further members: ``rollout=10``, ``deny=[…]``.
    """
    found = {"host": host, "action": action, **members}
    return {**found, "pins": [_pin(pin) for pin in pins]} if pins else found


def _pin(pin: ServerCertificate | str | Mapping[str, object]) -> dict[str, object]:
    if isinstance(pin, ServerCertificate):
        return dict(pin.pin())
    return {"spki_sha256": pin} if isinstance(pin, str) else dict(pin)


class DocumentAuthority:
    """Whoever owns the anchors of a project.

    Until `new_epoch` is called, the first anchor signs documents directly (epoch 0); from then on the first signing
    key of the current key set does, and documents carry that key set, signed by every anchor.
    """

    def __init__(
        self,
        organization: str = "acme",
        project: str = "shop",
        *,
        anchors: Sequence[SigningKey] = (),
        threshold: int = 1,
        clock: Clock | None = None,
    ) -> None:
        """`threshold`: how many anchors the application asks for; above 1 it starts with a key set, without which
        no document could be accepted (V3). `anchors`: default as many new P-256 keys. `clock`: where times come
        from; default the computer's."""
        self.organization = organization
        self.project = project
        self.anchors = tuple(anchors) or tuple(SigningKey.generate() for _ in range(threshold))
        self.threshold = threshold
        self._clock = clock
        self._epoch = 0
        self._signing_keys: tuple[SigningKey, ...] = ()
        self._refresh_keys: tuple[SigningKey, ...] = ()
        self._revoked: tuple[str, ...] = ()
        self._key_sets: tuple[str, ...] = ()
        self._payload: dict[str, Any] = {}
        self._signed: list[tuple[tuple[int, int], str]] = []
        if threshold > 1:
            self.new_epoch()

    # ------------------------------------------------------------------ what is known of it

    @property
    def public_key(self) -> str:
        """The first anchor's public key: what an application embeds (Base64 of SPKI DER)."""
        return self.anchors[0].public_key

    @property
    def public_keys(self) -> list[str]:
        """All anchors' public keys."""
        return [anchor.public_key for anchor in self.anchors]

    @property
    def pointer(self) -> str:
        """Where the current document belongs, below an origin's base URL."""
        return f"{self.organization}/{self.project}/pins.jws"

    @property
    def fresh(self) -> str:
        """Where freshness statements belong."""
        return f"{self.organization}/{self.project}/fresh.jws"

    @property
    def immutable(self) -> str:
        """Where the same document stays for ever: its name carries its epoch and serial."""
        return f"{self.organization}/{self.project}/{self._epoch}.{self.serial}.jws"

    @property
    def epoch(self) -> int:
        """The epoch of the current key set; 0 while the anchor signs directly."""
        return self._epoch

    @property
    def serial(self) -> int:
        """The serial of the last honest document; 0 before the first."""
        return int(self._payload.get("serial", 0))

    @property
    def current(self) -> str:
        """The last honest document. Raises `ValueError` before the first."""
        if not self._signed:
            raise ValueError("nothing signed yet: call sign() first")
        return self._signed[-1][1]

    @property
    def signing_key(self) -> SigningKey:
        """The key that signs the next document."""
        return (self._signing_keys or self.anchors)[0]

    @property
    def refresh_key(self) -> SigningKey:
        """The key that signs freshness statements. Raises `ValueError` where the key set names none."""
        if not self._refresh_keys:
            raise ValueError("no refresh key: call new_epoch(refresh_keys=[…]) first")
        return self._refresh_keys[0]

    # ------------------------------------------------------------------ honest

    def sign(self, hosts: Iterable[Mapping[str, object]] = (), **members: object) -> str:
        """Sign a document with these `hosts` (see `policy`) and return the JWS text.

        `members` are further members of the payload or replace the defaults: `serial` (1), `issued_at` (now),
        `expires_at` (30 days later), all in Unix seconds, `unlisted`, `deny`, `refresh_after`, and so on.
        """
        self._payload = self._complete({"serial": 1, "hosts": list(hosts), **members})
        return self._remember(self._assemble(self._payload))

    def next(self, hosts: Iterable[Mapping[str, object]] | None = None, **members: object) -> str:
        """Sign the successor of the last honest document: the next serial, now; what else is
        not given stays as it was."""
        self._payload = self._successor(hosts, **members)
        return self._remember(self._assemble(self._payload))

    def new_epoch(
        self,
        *,
        signing_keys: Sequence[SigningKey] = (),
        refresh_keys: Sequence[SigningKey] = (),
        revoked: Sequence[SigningKey] = (),
        signed_by: Sequence[SigningKey] = (),
        **members: object,
    ) -> None:
        """Make the next key set. Documents signed from now on carry it.

        `signing_keys`: default one new P-256 key. `refresh_keys`: default none. `revoked`: added to those revoked
        before. `signed_by`: default every anchor that is not revoked. `members` replace members of its payload:
        `epoch`, `expires_at`, …
        """
        self._revoked += tuple(key.thumbprint for key in revoked)
        self._signing_keys = tuple(signing_keys) or (SigningKey.generate(),)
        self._refresh_keys = tuple(refresh_keys)
        if refresh_keys:
            members = {"refresh_keys": [key.public.jwk() for key in refresh_keys], **members}
        payload = self._key_set(self._signing_keys, self._revoked, **members)
        self._epoch = int(payload["epoch"])
        good = [anchor for anchor in self.anchors if anchor.thumbprint not in self._revoked]
        self._key_sets = _key_set_texts(payload, signed_by or good)

    def statement(self, text: str = "", *, key: SigningKey | None = None, **members: object) -> str:
        """A freshness statement about the last honest document, or about the document `text`.

        `members` replace members of its payload: `expires_at` (6 hours after `issued_at`), `serial`, and so on. With
        another `key` it is one that readers ignore (F3).
        """
        about = jws.split(text or self.current)
        payload = json.loads(about.payload)
        issued = members.get("issued_at", self._now())
        assert isinstance(issued, int)
        said = {
            **{name: payload[name] for name in ("format", "organization", "project", "serial")},
            "epoch": self._epoch,
            "digest": b64(hashlib.sha256(about.payload).digest()),
            "issued_at": issued,
            "expires_at": issued + STATEMENT_LIFE,
        }
        return sign_jws({**said, **members}, key or self.refresh_key, typ=_STATEMENT)

    # ------------------------------------------------------------------ misbehaving

    def forked(self, hosts: Iterable[Mapping[str, object]] | None = None) -> str:
        """Another document with the number of the last honest one (V8 `forked`)."""
        last = self._last()
        changed = {"refresh_after": int(last.get("refresh_after", 600)) % 86400 + 1}
        return self._assemble({**last, **changed, **({} if hosts is None else {"hosts": list(hosts)})})

    def forked_key_set(self) -> str:
        """The successor, under another key set of the same epoch (V8 `forked`). Raises `ValueError` in epoch 0."""
        if not self._epoch:
            raise ValueError("no key set yet: call new_epoch() first")
        payload = self._key_set((*self._signing_keys, SigningKey.generate()), self._revoked, epoch=self._epoch)
        return self._assemble(self._successor(), key_sets=_key_set_texts(payload, self.anchors))

    def rolled_back(self, by: int = 1) -> str:
        """What was signed `by` documents ago, or would have been (V8 `rolled_back`). Raises `ValueError` where no
        lower serial exists."""
        lower = [text for number, text in self._signed if number < (self._epoch, self.serial)]
        if by <= len(lower):
            return lower[-by]
        if self.serial <= by:
            raise ValueError(f"there is no serial below {self.serial - by + 1}: call next() first")
        return self._assemble({**self._last(), "serial": self.serial - by})

    def expired(self) -> str:
        """The successor, whose life ended a second ago (V7: not fresh, so it is not adopted)."""
        now = self._now()
        return self._assemble(self._successor(issued_at=now - DOCUMENT_LIFE - 1, expires_at=now - 1))

    def from_the_future(self, seconds: int = 86400) -> str:
        """The successor, issued `seconds` from now (V7 `not_yet_valid`)."""
        return self._assemble(self._successor(issued_at=self._now() + seconds))

    def wrong_audience(self, organization: str | None = None, project: str = "another-project") -> str:
        """The successor, addressed to another project (V6 `wrong_audience`)."""
        organization = self.organization if organization is None else organization
        return self._assemble(self._successor(organization=organization, project=project))

    def by_unknown_key(self) -> str:
        """The successor, signed by a stranger who says so (V3 `unknown_key`)."""
        return self._assemble(self._successor(), key=SigningKey.generate())

    def by_impostor(self) -> str:
        """The successor, signed by a stranger who claims to be the right key (V4 `bad_signature`)."""
        right = self.signing_key
        stranger = SigningKey.generate("EdDSA" if right.alg == "EdDSA" else "ES256")
        return self._assemble(self._successor(), key=stranger, kid=right.thumbprint)

    def tampered(self, hosts: Iterable[Mapping[str, object]] | None = None) -> str:
        """The successor, with its payload changed after it was signed (V4 `bad_signature`)."""
        honest = self._assemble(self._successor(hosts))
        changed = self._assemble(self._successor(hosts, serial=self.serial + 2))
        return ".".join((honest.split(".")[0], changed.split(".")[1], honest.split(".")[2]))

    def by_revoked_key(self) -> str:
        """The successor, signed by a key that its own, newer key set revokes (V3 `key_revoked`)."""
        key = SigningKey.generate()
        payload = self._key_set((key, SigningKey.generate()), (*self._revoked, key.thumbprint))
        return self._assemble(self._successor(), key=key, key_sets=_key_set_texts(payload, self.anchors))

    def below_threshold(self) -> str:
        """The successor, under a newer key set that one anchor too few has signed (V3 `threshold_unmet`)."""
        key = SigningKey.generate()
        too_few = self.anchors[: self.threshold - 1] or (SigningKey.generate(),)
        texts = _key_set_texts(self._key_set((key,), self._revoked), too_few)
        return self._assemble(self._successor(), key=key, key_sets=texts)

    def under_expired_key_set(self) -> str:
        """The successor, under a newer key set that ended a second ago (V3 `keyset_expired`)."""
        key, now = SigningKey.generate(), self._now()
        payload = self._key_set((key,), self._revoked, issued_at=now - KEY_SET_LIFE - 1, expires_at=now - 1)
        return self._assemble(self._successor(), key=key, key_sets=_key_set_texts(payload, self.anchors))

    # ------------------------------------------------------------------ how it is done

    def _now(self) -> int:
        return int(self._clock.now() if self._clock else time.time())

    def _last(self) -> dict[str, Any]:
        if not self._payload:
            raise ValueError("nothing signed yet: call sign() first")
        return self._payload

    def _complete(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """`members` with what a document needs besides them."""
        issued = members.get("issued_at", self._now())
        audience = {"format": 1, "organization": self.organization, "project": self.project}
        return {**audience, "issued_at": issued, "expires_at": issued + DOCUMENT_LIFE, **members}

    def _successor(self, hosts: Iterable[Mapping[str, object]] | None = None, **members: object) -> dict[str, Any]:
        last = self._last()
        kept = {name: value for name, value in last.items() if name not in ("issued_at", "expires_at")}
        new = {} if hosts is None else {"hosts": list(hosts)}
        return self._complete({**kept, "serial": last["serial"] + 1, **new, **members})

    def _key_set(self, keys: Sequence[SigningKey], revoked: Sequence[str], **members: object) -> dict[str, Any]:
        issued = members.get("issued_at", self._now())
        assert isinstance(issued, int)
        return {
            "format": 1,
            "organization": self.organization,
            "project": self.project,
            "epoch": self._epoch + 1,
            "issued_at": issued,
            "expires_at": issued + KEY_SET_LIFE,
            "signing_keys": [key.public.jwk() for key in keys],
            "revoked": list(revoked),
            **members,
        }

    def _assemble(
        self,
        payload: Mapping[str, object],
        *,
        key: SigningKey | None = None,
        kid: str = "",
        key_sets: Sequence[str] | None = None,
    ) -> str:
        texts = self._key_sets if key_sets is None else key_sets
        header = {"keys": texts[0] if len(texts) == 1 else list(texts)} if texts else {}
        return sign_jws(payload, key or self.signing_key, kid=kid, header=header)

    def _remember(self, text: str) -> str:
        self._signed.append(((self._epoch, self.serial), text))
        return text


def sign_jws(
    payload: Mapping[str, object] | bytes,
    key: SigningKey,
    *,
    kid: str = "",
    typ: str = _DOCUMENT,
    header: Mapping[str, object] | None = None,
) -> str:
    """Any payload, signed as a compact JWS: for documents that `DocumentAuthority` is too well-behaved to make.

    `kid` defaults to the key's own; `header` adds members to the protected header or replaces them.
    """
    data = payload if isinstance(payload, bytes) else _json(payload)
    members = {"alg": key.alg, "kid": kid or key.thumbprint, "typ": typ, **(header or {})}
    signing_input = jws.signing_input(members, data)
    return jws.assemble(signing_input, key.sign(signing_input))


def _key_set_texts(payload: Mapping[str, object], anchors: Iterable[SigningKey]) -> tuple[str, ...]:
    return tuple(sign_jws(payload, anchor, typ=_KEY_SET) for anchor in anchors)


def _json(value: Mapping[str, object]) -> bytes:
    # Not core's serializer, which might one day refuse what these fakes are here to sign.
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
