"""Second factors of people: their secrets lie sealed under the operator's master key, and move under another.

Allauth keeps them, one row for each: the seed of one-time passwords, and the seed that recovery codes are made from.
Passkeys are public keys, and hold no secret. A sealed seed is bound to what it is for and not to its account: allauth
seals before it says for whom. Whoever writes to the database could as well remove the factor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import QuerySet

from livepin.author.signers.managed import MasterKey
from livepin.errors import KeyUnusable
from livepin.server import keyring, sealed_text
from livepin.server.models import Account
from livepin.server.settings import CONFIG

PURPOSE = "second factor"
KINDS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
#: Where secrets stand in what allauth keeps of a factor. Lists hold codes that were brought from elsewhere.
SECRETS = ("secret", "seed", "migrated_codes")


def has(account: Account) -> bool:
    """Whether an account has a second factor: a passkey or one-time passwords. Recovery codes alone are none."""
    found: bool = Authenticator.objects.filter(user=account, type__in=KINDS).exists()
    return found


def holders() -> QuerySet[Authenticator]:
    """The IDs of the accounts that have one, for conditions of other queries."""
    found: QuerySet[Authenticator] = Authenticator.objects.filter(type__in=KINDS).values("user")
    return found


def seal(text: str) -> str:
    """A secret as the database may hold it. Raises `ConfigurationError` where there is no master key."""
    return sealed_text.seal(text, PURPOSE, keyring.masters(CONFIG)[0])


def unseal(text: str) -> str:
    """A secret that the database holds. Raises `KeyUnusable`, also for one that is not sealed."""
    return sealed_text.unseal(text, PURPOSE, keyring.masters(CONFIG))


def change(data: dict[str, Any], to: Callable[[str], str]) -> dict[str, Any]:
    """What allauth keeps of a factor, with every secret in it changed."""
    changed = {name: data[name] for name in SECRETS if data.get(name)}
    for name, value in changed.items():
        changed[name] = [to(one) for one in value] if isinstance(value, list) else to(value)
    return {**data, **changed}


def reseal(masters: Sequence[MasterKey]) -> int:
    """Seal every secret under the first master key; how many factors changed. Safe to repeat.

    Raises `KeyUnusable` for a secret that none of them opens; those before it are sealed anew then.
    """
    moved = 0
    for key in Authenticator.objects.values_list("pk", flat=True):
        with transaction.atomic():
            factor = Authenticator.objects.select_for_update().filter(pk=key).first()
            if factor is None:
                continue
            data = change(factor.data, lambda text: _under_first(text, masters))
            if data != factor.data:
                factor.data = data
                factor.save(update_fields=["data"])
                moved += 1
    return moved


def _under_first(text: str, masters: Sequence[MasterKey]) -> str:
    if sealed_text.master_id(text, PURPOSE) == masters[0].id:
        return text
    return sealed_text.seal(sealed_text.unseal(text, PURPOSE, masters), PURPOSE, masters[0])


def unusable() -> Iterator[tuple[str, str]]:
    """Factors whose secrets do not open: whose, and why."""
    for factor in Authenticator.objects.order_by("pk"):
        try:
            change(factor.data, unseal)
        except KeyUnusable as error:
            yield f"account {factor.user_id}", error.message
