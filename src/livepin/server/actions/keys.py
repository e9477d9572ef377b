"""Signing keys of a project, and the key set that says which of them are valid.

    managed   the server made it; its private half lies sealed under the operator's master key (managed.py of the
              signers), is opened for one signature, and is never written or shown
    own       the server knows the public half alone: it hands out what is to be signed, and verifies what comes back

Without a key set, the signing key is the anchor that applications embed. With one, anchors are kept offline, and the
key set that they signed names the signing keys. The threat: whoever can write to the database, or acts for another
project, must not make this project sign. A sealed key opens for its own project alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from livepin.author.signers import managed, pem
from livepin.author.signers.detached import DetachedSigner
from livepin.author.signers.managed import ManagedSigner, MasterKey, Owner
from livepin.author.signers.signer import Signer
from livepin.core.base64s import b64
from livepin.core.jws import PublicKey
from livepin.core.keyset import KeySet
from livepin.core.trust import CLOCK_TOLERANCE, Trust, open_keyset
from livepin.errors import Conflict, DocumentRefused, KeyInvalid, KeyUnusable, NotFound, ValueInvalid
from livepin.server import keyring
from livepin.server.actions import audit
from livepin.server.actions.actor import Actor, May, reach_locked, reach_project
from livepin.server.models import Key, Project
from livepin.server.settings import CONFIG

KINDS, USES = tuple(pem.KeyKind), ("sign", "refresh")
#: As many anchors can sign one key set (design section 3).
MAX_ANCHORS = 8


@dataclass(frozen=True, slots=True)
class Trusted:
    """What applications of a project embed, and the key set in force. `keyset` None: an anchor signs itself.

    `texts`: the copies of the key set, one JWS for each anchor that signed it.
    """

    anchors: tuple[PublicKey, ...]
    threshold: int
    keyset: KeySet | None
    texts: tuple[str, ...] = ()


def listed(actor: Actor, organization: str, project: str) -> list[Key]:
    """All keys of a project, newest first, retired ones included. Raises `NotFound`."""
    _, found = reach_project(actor, organization, project, May.READ)
    return list(found.signing_keys.order_by("-created_at"))


def read(actor: Actor, organization: str, project: str) -> Trusted:
    """What applications embed. Raises `NotFound`."""
    _, found = reach_project(actor, organization, project, May.READ)
    return Trusted(tuple(trust_of(found).anchors.values()), found.threshold, keyset_of(found), tuple(found.keys))


def trust_of(project: Project) -> Trust:
    """What an application of this project embeds, as the verification takes it."""
    anchors = tuple(PublicKey.from_text(text) for text in project.anchors)
    return Trust(project.organization.identifier, project.identifier, anchors, project.threshold)


def revoked_in(project: Project) -> frozenset[str]:
    """The anchors and keys that the key set in force revokes: what an anchor among them signs later is not believed."""
    found = keyset_of(project)
    return frozenset() if found is None else found.revoked


def keyset_of(project: Project) -> KeySet | None:
    """The key set in force. Raises `DocumentRefused` for a stored one that the anchors do not vouch for."""
    return open_keyset(tuple(project.keys), trust_of(project)) if project.keys else None


# ---------------------------------------------------------------- making and replacing


def give_first(actor: Actor, project: Project, kind: str = "p256", public_key: str = "") -> Key:
    """Give a new project its signing key, which is its anchor: managed, of `kind`, or one's own `public_key`.

    To be called in the transaction that makes the project. Raises `ValueInvalid`, and `ConfigurationError` where the
    operator gave no master key.
    """
    key = _own(project, public_key) if public_key else _managed(project, kind)
    project.anchors = [key.public_key]
    project.save(update_fields=["anchors"])
    audit.append(project.organization, actor, f"{key.kind} key made", key.thumbprint, project=project.identifier)
    return key


def add(
    actor: Actor, organization: str, project: str, kind: str = "p256", public_key: str = "", use: str = "sign"
) -> Key:
    """Another key, managed or (with `public_key`) one's own; a key set has to name it before it signs.

    `use`: sign documents, or refresh: sign freshness statements (freshness.py), which this server does with managed
    keys only. Takes the right to manage. Raises `ValueInvalid`, `Conflict`.
    """
    if use not in USES or (use == "refresh" and public_key):
        message = (
            "the server signs statements with a key that it makes" if use in USES else "it is neither of sign, refresh"
        )
        raise ValueInvalid("value_invalid", message, where="use")
    _, found = reach_project(actor, organization, project, May.MANAGE)
    with transaction.atomic():
        key = _own(found, public_key) if public_key else _managed(found, kind, use)
        audit.append(found.organization, actor, f"{key.kind} key made", key.thumbprint, project=project, use=use)
    return key


def retire(actor: Actor, organization: str, project: str, thumbprint: str) -> Key:
    """Never sign with a key again; a managed one's private half is destroyed. Takes the right to manage.

    Raises `NotFound`, and `Conflict` for the key that signs now: name another in a key set first.
    """
    _, found = reach_project(actor, organization, project, May.MANAGE)
    with transaction.atomic():
        key = found.signing_keys.select_for_update().filter(thumbprint=thumbprint).first()
        if key is None:
            raise NotFound("not_found", "the project has no such key", where=thumbprint)
        if key.retired_at is None and key.id == signing_key(found).id:
            raise Conflict("state_wrong", "it is the key that signs now", where=thumbprint)
        key.retired_at, key.sealed = key.retired_at or timezone.now(), ""
        key.save(update_fields=["retired_at", "sealed"])
        audit.append(found.organization, actor, "key retired", thumbprint, project=project)
    return key


def _managed(project: Project, kind: str, use: str = "sign") -> Key:
    if kind not in KINDS:
        raise ValueInvalid("value_invalid", f"it is none of {', '.join(KINDS)}", where="kind")
    private = pem.generate(pem.KeyKind(kind))
    public = PublicKey.from_spki(pem.public_der(private))
    sealed = managed.seal(private, owner_of(project), keyring.masters(CONFIG)[0])
    return _kept(project, public, "managed", sealed, use)


def _own(project: Project, text: str) -> Key:
    return _kept(project, _public_key(text, "public_key"), "own", "")


def _kept(project: Project, public: PublicKey, kind: str, sealed: str, use: str = "sign") -> Key:
    if project.signing_keys.filter(thumbprint=public.thumbprint).exists():
        raise Conflict("key_exists", "the project has this key already", where=public.thumbprint)
    return Key.objects.create(
        project=project,
        thumbprint=public.thumbprint,
        public_key=b64(public.spki),
        use=use,
        kind=kind,
        sealed=sealed,
    )


def _public_key(text: str, where: str) -> PublicKey:
    try:
        return PublicKey.from_text(text)
    except KeyInvalid as error:
        raise ValueInvalid("key_invalid", error.message, where=where) from None


def owner_of(project: Project) -> Owner:
    """The project as a sealed key is bound to it."""
    return Owner(project.organization.identifier, project.identifier)


# ---------------------------------------------------------------- key sets


def put_keyset(
    actor: Actor,
    organization: str,
    project: str,
    texts: Sequence[str],
    anchors: Sequence[str] | None = None,
    threshold: int | None = None,
) -> KeySet:
    """Take a key set that the anchors signed into force: `texts` are its copies, one for each anchor (design 3).

    `anchors` (public keys as text) and `threshold` change what applications are known to embed at the same time: for
    a project that began without a key set. Applications in the field follow only if anchors that they embed signed.
    It reaches them with the next document: `renewals.take_keyset` asks for one. Takes the right to manage.

    Raises `ValueInvalid` (with the code of V3) for a set that applications would refuse, `Conflict` for an epoch that
    is not higher than the one in force, and for a set under which no key of this project could sign.
    """
    reach_project(actor, organization, project, May.MANAGE)
    with transaction.atomic():
        found = reach_locked(actor, organization, project, May.MANAGE)
        before = keyset_of(found)
        if anchors is not None:
            found.anchors = [b64(one.spki) for one in _anchors(anchors)]
        found.threshold = found.threshold if threshold is None else threshold
        if not 1 <= found.threshold <= len(found.anchors):
            message = f"it is not a number from 1 to {len(found.anchors)}, the anchors that there are"
            raise ValueInvalid("value_invalid", message, where="threshold")
        after = _checked(found, texts, before)
        found.keys = list(texts)
        _check_can_sign(found, after)
        found.save(update_fields=["anchors", "threshold", "keys"])
        audit.append(found.organization, actor, "key set changed", project, epoch=after.epoch, digest=after.digest)
    return after


def _anchors(texts: Sequence[str]) -> list[PublicKey]:
    found = [_public_key(text, f"anchors[{number}]") for number, text in enumerate(texts)]
    if not 1 <= len({one.thumbprint for one in found}) == len(found) <= MAX_ANCHORS:
        raise ValueInvalid("value_invalid", f"there are 1 to {MAX_ANCHORS} anchors, each once", where="anchors")
    return found


def _checked(project: Project, texts: Sequence[str], before: KeySet | None) -> KeySet:
    if not 1 <= len(texts) <= MAX_ANCHORS:
        raise ValueInvalid("keyset_invalid", f"there are 1 to {MAX_ANCHORS} copies of a key set", where="keys")
    try:
        # As an application that holds the set in force: an anchor that this one revoked makes no later one.
        after = open_keyset(tuple(texts), trust_of(project), frozenset() if before is None else before.revoked)
    except DocumentRefused as error:
        raise ValueInvalid(error.code, error.message, where="keys") from None
    if before is not None and after.epoch <= before.epoch and after.digest != before.digest:
        message = f"epoch {before.epoch} is in force: a key set that says something else takes a higher one"
        raise Conflict("state_wrong", message, where="keys")
    now = timezone.now().timestamp()
    if after.expires_at <= now:
        raise ValueInvalid("keyset_expired", "the key set is out of date already", where="keys")
    if after.issued_at > now + CLOCK_TOLERANCE:
        raise ValueInvalid("keyset_not_yet_valid", "the key set is from the future", where="keys")
    return after


def _check_can_sign(project: Project, keyset: KeySet) -> None:
    usable = keyset.signing_keys.keys() - keyset.revoked
    if not project.signing_keys.filter(use="sign", thumbprint__in=usable, retired_at=None).exists():
        message = "it names no signing key of this project: nothing could be signed any more"
        hint = "Have the anchors name a key of this project, or add your own key first."
        raise Conflict("state_wrong", message, where="keys", hint=hint)


def adopt_keyset(project: Project, texts: Sequence[str], keyset: KeySet) -> None:
    """A later key set than the one in force was found on an origin, and its document verified: it is in force.

    So it is after a backup older than the key set was restored. To be called in a transaction.
    """
    project.keys = list(texts)
    project.save(update_fields=["keys"])


# ---------------------------------------------------------------- signing


def signing_key(project: Project) -> Key:
    """The key that signs the next document: managed before own, the newest first. Raises `KeyUnusable`."""
    keyset = keyset_of(project)
    if keyset is None:
        allowed: Iterable[str] = trust_of(project).anchors.keys()
    else:
        allowed = keyset.signing_keys.keys() - keyset.revoked
    # By the alphabet `managed` stands before `own`.
    keys = project.signing_keys.filter(use="sign", thumbprint__in=allowed, retired_at=None)
    found = keys.order_by("kind", "-created_at").first()
    if found is None:
        message = "no key of this project may sign: neither is one an anchor, nor does the key set name one"
        raise KeyUnusable("key_missing", message, where=str(project))
    return found


def header_of(project: Project, key: Key) -> dict[str, object]:
    """The protected header of a document that `key` signs (design section 3)."""
    public = PublicKey.from_text(key.public_key)
    header: dict[str, object] = {"alg": public.alg, "kid": public.thumbprint, "typ": "livepin+jws"}
    if project.keys:
        header["keys"] = project.keys[0] if len(project.keys) == 1 else list(project.keys)
    return header


def signer_of(project: Project, key: Key) -> Signer:
    """What signs with a key: in this process, or (an own key) by asking for the signature to be brought."""
    if key.kind == "own":
        return DetachedSigner(PublicKey.from_text(key.public_key))
    return ManagedSigner(key.sealed, owner_of(project), keyring.masters(CONFIG))


def reseal(masters: Sequence[MasterKey] | None = None) -> int:
    """Seal every managed key under the first master key; how many were sealed anew. Safe to repeat.

    For the operator's rotation of master keys: once this returns, the others are not needed any more. Raises
    `KeyUnusable` for a key that none of them opens; those before it are sealed anew then.
    """
    known = tuple(keyring.masters(CONFIG)) if masters is None else tuple(masters)
    moved = 0
    for key_id in Key.objects.exclude(sealed="").values_list("id", flat=True):
        with transaction.atomic():
            key = Key.objects.select_for_update(of=("self",)).select_related("project__organization").get(id=key_id)
            if not key.sealed or managed.master_id(key.sealed) == known[0].id:
                continue
            key.sealed = managed.reseal(key.sealed, owner_of(key.project), known, known[0])
            key.save(update_fields=["sealed"])
            moved += 1
    return moved
