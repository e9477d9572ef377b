"""Signing with a key on a PKCS#11 token: an HSM, a smart card, SoftHSM. The extra `pkcs11` brings the client.

A token knows one login for each process, so all signers of a token share one session, behind a lock. A child does not
inherit it: PKCS#11 asks for a new start after a fork. Whatever fails closes the session, and the next signature opens
another; a wrong PIN is never tried a second time by itself, because three of them lock a token.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from livepin.author.signers.pem import KeyKind
from livepin.author.signers.places import Pkcs11Place
from livepin.author.signers.signatures import checked
from livepin.core.jws import PublicKey
from livepin.errors import KeyInvalid, KeyUnusable

if TYPE_CHECKING:
    import pkcs11

_ED25519_OID = "1.3.101.112"


class Token:
    """The one logged-in session that this process has with a token."""

    _all: ClassVar[dict[tuple[str, str], Token]] = {}
    _guard: ClassVar[threading.Lock] = threading.Lock()
    #: Modules whose state was inherited from the parent and means nothing here.
    _inherited: ClassVar[set[str]] = set()
    #: Sessions of the parent. Closing them here would be another call into a module that has to be started anew.
    _left_alone: ClassVar[list[object]] = []

    def __init__(self, module: str, label: str) -> None:
        self._module, self._label = module, label
        self._lock = threading.RLock()
        self._session: pkcs11.Session | None = None

    @classmethod
    def of(cls, place: Pkcs11Place) -> Token:
        """The token of a place, the same object for everybody in this process."""
        with cls._guard:
            name = (place.module, place.token)
            return cls._all.setdefault(name, cls(*name))

    @classmethod
    def forget_parent(cls) -> None:
        """In a child after a fork: nothing of what was open is ours, and the lock may be held by nobody."""
        cls._guard = threading.Lock()
        cls._inherited = {module for module, _ in cls._all} | cls._inherited
        cls._left_alone = [*cls._left_alone, *cls._all.values()]
        cls._all = {}

    @contextlib.contextmanager
    def session(self, pin: Callable[[], str], where: str, *, writing: bool = False) -> Iterator[pkcs11.Session]:
        """The session, alone; `writing`: one that may make keys. Raises `KeyUnusable`."""
        with self._lock, _failing(where):
            if writing:
                self.close()
            if self._session is None:
                self._session = self._open(pin, writing=writing)
            try:
                yield self._session
            except BaseException:
                self.close()
                raise
            if writing:
                self.close()

    def close(self) -> None:
        """Log out, as far as the token still hears of it."""
        session, self._session = self._session, None
        if session is not None:
            import pkcs11

            with contextlib.suppress(pkcs11.PKCS11Error):
                session.close()

    def _open(self, pin: Callable[[], str], *, writing: bool) -> pkcs11.Session:
        import pkcs11

        found: pkcs11.Token = self._library().get_token(token_label=self._label)
        try:
            return found.open(rw=writing, user_pin=pin())
        except pkcs11.UserAlreadyLoggedIn:
            return found.open(rw=writing)  # by the application itself: a login is the whole process's

    def _library(self) -> Any:
        import pkcs11

        library = pkcs11.lib(self._module)
        if self._module in Token._inherited:
            with contextlib.suppress(pkcs11.PKCS11Error):
                library.finalize()
            library.initialize()
            Token._inherited.discard(self._module)
        return library


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=Token.forget_parent)


@contextlib.contextmanager
def _failing(where: str) -> Iterator[None]:
    """Errors of the module as ours, by name: what a module says of itself is in no message."""
    try:
        import pkcs11
    except ModuleNotFoundError:
        hint = "pip install 'livepin[pkcs11]'"
        raise KeyUnusable("extra_missing", "python-pkcs11 is not installed", where=where, hint=hint) from None
    try:
        yield
    except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange):
        raise KeyUnusable("passphrase_wrong", "the token refuses the PIN", where=where) from None
    except pkcs11.PinLocked:
        raise KeyUnusable("signer_failed", "the token is locked: the PIN was wrong too often", where=where) from None
    except (pkcs11.NoSuchToken, pkcs11.NoSuchKey) as error:
        what = "token" if isinstance(error, pkcs11.NoSuchToken) else "private key"
        raise KeyUnusable("key_missing", f"there is no such {what}", where=where) from None
    except pkcs11.PKCS11Error as error:
        why = type(error).__name__
        raise KeyUnusable("signer_failed", f"the token does not do it: {why}", where=where) from None
    except (OSError, RuntimeError):
        raise KeyUnusable("signer_failed", "the PKCS#11 module cannot be loaded", where=where) from None


class Pkcs11Signer:
    """A `Signer` on a token. `pin` is asked for once for each login."""

    def __init__(self, place: Pkcs11Place, public_key: PublicKey, pin: Callable[[], str]) -> None:
        self._place = place
        self._public_key = public_key
        self._pin = pin

    @property
    def public_key(self) -> PublicKey:
        """The public half, as the project knows it."""
        return self._public_key

    @property
    def properties(self) -> Mapping[str, str]:
        """What the token says of the key; it is logged into for this."""
        with self._token() as session:
            import pkcs11

            key = self._key(session)
            private = pkcs11.Attribute
            told = {name: str(key[getattr(private, name)]).lower() for name in ("EXTRACTABLE", "SENSITIVE", "LOCAL")}
            described = f"{session.token.manufacturer_id} {session.token.model}".strip()
        named = {"kind": "pkcs11", "token": self._place.token, "object": self._place.label, "made by": described}
        return {**named, **{name.lower(): value for name, value in told.items()}}

    def sign(self, signing_input: bytes) -> bytes:
        """The raw JWS signature: tokens give r‖s themselves."""
        with self._token() as session:
            import pkcs11

            key = self._key(session)
            if self._public_key.alg == "EdDSA":
                signature = key.sign(signing_input, mechanism=pkcs11.Mechanism.EDDSA)
            else:
                digest = hashlib.sha256(signing_input).digest()
                signature = key.sign(digest, mechanism=pkcs11.Mechanism.ECDSA)
        return checked(signature, signing_input, self._public_key, self._place.text)

    def _token(self) -> contextlib.AbstractContextManager[pkcs11.Session]:
        return Token.of(self._place).session(self._pin, self._place.text)

    def _key(self, session: pkcs11.Session) -> Any:
        import pkcs11

        return session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=self._place.label)


def read_public_key(place: Pkcs11Place, pin: Callable[[], str]) -> PublicKey:
    """The public half that lies on the token beside the private key. Raises `KeyUnusable`."""
    with Token.of(place).session(pin, place.text) as session:
        import pkcs11

        return _public_key(session.get_key(object_class=pkcs11.ObjectClass.PUBLIC_KEY, label=place.label), place)


def generate(place: Pkcs11Place, kind: KeyKind, pin: Callable[[], str]) -> PublicKey:
    """Make a key on the token; it never leaves it. Raises `KeyUnusable` (`key_exists` where the label is taken)."""
    with Token.of(place).session(pin, place.text, writing=True) as session:
        import pkcs11

        if any(session.get_objects({pkcs11.Attribute.LABEL: place.label})):
            raise KeyUnusable("key_exists", "the token has an object of this label already", where=place.text)
        curve = _ED25519_OID if kind is KeyKind.ED25519 else "secp256r1"
        key_type, mechanism = pkcs11.KeyType.EC, pkcs11.Mechanism.EC_KEY_PAIR_GEN
        if kind is KeyKind.ED25519:
            key_type, mechanism = pkcs11.KeyType.EC_EDWARDS, pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN
        parameters = session.create_domain_parameters(
            key_type, {pkcs11.Attribute.EC_PARAMS: pkcs11.util.ec.encode_named_curve_parameters(curve)}, local=True
        )
        public, _ = parameters.generate_keypair(
            store=True,
            label=place.label,
            id=os.urandom(8),
            mechanism=mechanism,
            capabilities=pkcs11.MechanismFlag.SIGN | pkcs11.MechanismFlag.VERIFY,
            private_template={pkcs11.Attribute.EXTRACTABLE: False, pkcs11.Attribute.SENSITIVE: True},
        )
        return _public_key(public, place)


def _public_key(key: Any, place: Pkcs11Place) -> PublicKey:
    import pkcs11

    point = bytes(key[pkcs11.Attribute.EC_POINT])
    # Some modules give the point as it is, some within a DER octet string: its end is the same.
    size = 32 if key.key_type == pkcs11.KeyType.EC_EDWARDS else 64
    try:
        return PublicKey.from_raw(point[-size:])
    except KeyInvalid:
        message = "the key is neither P-256 (uncompressed) nor Ed25519"
        raise KeyUnusable("key_unusable", message, where=place.text) from None
