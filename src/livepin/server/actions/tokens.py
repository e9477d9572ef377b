"""API tokens: made, shown once, listed, revoked, and turned back into an actor.

A token reads `lvp_` ‖ 43 characters of base64url (32 random bytes) ‖ 6 characters of a checksum: people and scanners
recognize one, and a typo is told from a revoked token without asking the database.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from livepin.core.base64s import b64url
from livepin.errors import Forbidden, LimitReached, NotFound, Unauthenticated, ValueInvalid
from livepin.server.actions import audit, secrets
from livepin.server.actions.actor import (
    ACCOUNT_SCOPE,
    AS_ONESELF,
    SCOPES,
    Actor,
    May,
    Reach,
    reach,
    reach_project,
    reach_to_leave,
)
from livepin.server.models import Account, ApiToken, Link, Organization, SignIn

PREFIX = "lvp_"
MAX_DAYS = 366
#: Tokens of one account in one organization that are valid at a time.
MOST = 100
#: How long the token of a signed-in command line is valid.
SIGN_IN_DAYS = 30
_SECRET = 43
_CHECKSUM = 6
#: `last_used_at` is moved on at most this often: a read must not cost a write.
_USED_STEP = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made: the only moment at which `text` exists."""

    token: ApiToken
    text: str


def create(actor: Actor, organization: str, name: str, scope: str, days: int, project: str = "") -> NewToken:
    """A token for the actor's own account. Takes the right that the scope stands for, and a person, not a token.

    Raises `ValueInvalid`, `Forbidden`, `NotFound`, `LimitReached`.
    """
    if scope not in SCOPES:
        raise ValueInvalid("value_invalid", f"it is none of {', '.join(SCOPES)}", where="scope")
    if not 1 <= days <= MAX_DAYS:
        raise ValueInvalid("value_invalid", f"it is not a number from 1 to {MAX_DAYS}", where="days")
    found = None
    if project:
        reached, found = reach_project(actor, organization, project, May(scope))
    else:
        reached = reach(actor, organization, May(scope))
    account = _account(actor)
    text = _new_text()
    with transaction.atomic():
        # Asked again under the lock: who was removed a moment ago must not leave a token behind.
        Organization.objects.select_for_update(no_key=True).get(id=reached.organization.id)
        reach(actor, organization, May(scope))
        if _valid(reached.organization.tokens.filter(account=account)).count() >= MOST:
            raise LimitReached("limit_reached", f"{MOST} of your tokens are valid already", where=organization)
        token = ApiToken.objects.create(
            organization=reached.organization,
            project=found,
            account=account,
            name=_named(name) or scope,
            scope=scope,
            secret_hash=secrets.kept(text),
            expires_at=timezone.now() + timedelta(days=days),
        )
        audit.append(reached.organization, actor, "token created", str(token.id), scope=scope, project=project)
    return NewToken(token, text)


def sign_in(account: Account, name: str) -> NewToken:
    """A token with which a command line acts as the account itself, after the account has proved who it is."""
    text = _new_text()
    token = ApiToken.objects.create(
        account=account,
        name=_named(name) or "command line",
        scope=ACCOUNT_SCOPE,
        secret_hash=secrets.kept(text),
        expires_at=timezone.now() + timedelta(days=SIGN_IN_DAYS),
    )
    return NewToken(token, text)


def _named(text: str) -> str:
    if len(text) > 100 or any(ord(one) < 32 for one in text):
        raise ValueInvalid("value_invalid", "a name is one line of at most 100 characters", where="name")
    return text.strip()


def _account(actor: Actor) -> Account:
    if actor.account is None or actor.is_machine:
        raise Forbidden("forbidden", "a token cannot make tokens", hint=AS_ONESELF)
    return actor.account


def listed(actor: Actor, organization: str) -> list[ApiToken]:
    """The valid tokens of an organization that the actor may revoke, newest first.

    All for who manages it, one's own for other people, itself for a token. Raises `NotFound`.
    """
    rows = _valid(_revocable(reach(actor, organization, May.READ)))
    return list(rows.select_related("project", "account").order_by("-created_at", "id"))


def revoke(actor: Actor, organization: str, token_id: str) -> ApiToken:
    """End a token at once. Raises `NotFound`."""
    return _revoke(reach(actor, organization, May.READ), token_id)


def _revoke(reached: Reach, token_id: str) -> ApiToken:
    actor = reached.actor
    token = _revocable(reached).filter(id=token_id).first()
    if token is None:
        raise NotFound("not_found", "there is no such token", where=token_id)
    with transaction.atomic():
        if token.revoked_at is None:
            token.revoked_at = timezone.now()
            token.save(update_fields=["revoked_at"])
            audit.append(reached.organization, actor, "token revoked", str(token.id))
    return token


def _revocable(reached: Reach) -> QuerySet[ApiToken]:
    tokens, actor = reached.organization.tokens.all(), reached.actor
    if actor.token is not None and actor.is_machine:
        return tokens.filter(id=actor.token.id)
    return tokens if reached.may(May.MANAGE) else tokens.filter(account=actor.account)


def _valid(tokens: QuerySet[ApiToken]) -> QuerySet[ApiToken]:
    return tokens.filter(revoked_at=None, expires_at__gt=timezone.now())


def sign_ins(actor: Actor) -> list[ApiToken]:
    """The command lines that are signed in to the actor's account, newest first. Raises `Forbidden`."""
    rows = ApiToken.objects.filter(account=_account(actor), scope=ACCOUNT_SCOPE)
    return list(_valid(rows).order_by("-created_at", "id"))


def sign_out(actor: Actor, token_id: str) -> None:
    """End a sign-in of the actor's account. Raises `NotFound`, `Forbidden`."""
    rows = ApiToken.objects.filter(account=_account(actor), scope=ACCOUNT_SCOPE, id=token_id)
    if not _valid(rows).update(revoked_at=timezone.now()):
        raise NotFound("not_found", "there is no such sign-in", where=token_id)


def end(actor: Actor) -> None:
    """End the token by which the actor acts. Raises `Forbidden` where there is none."""
    if actor.token is None:
        raise Forbidden("forbidden", "there is no token to end")
    if actor.token.organization is None:
        sign_out(actor, str(actor.token.id))
    else:
        _revoke(reach_to_leave(actor, actor.token.organization.identifier), str(actor.token.id))


def end_all(organization: Organization, account: Account) -> None:
    """End an account's tokens of an organization, in the transaction that ends its membership."""
    _valid(organization.tokens.filter(account=account)).update(revoked_at=timezone.now())


def end_sign_ins(account: Account) -> None:
    """Sign an account out of all command lines: its password was changed, or it is closed.

    Also of those that were let in and have not fetched their token yet: a thief would wait with that.
    """
    # These first: whoever fetches at this moment has their token when the tokens end.
    SignIn.objects.filter(account=account).delete()
    Link.objects.filter(account=account, use="sign-in").delete()
    _valid(ApiToken.objects.filter(account=account, scope=ACCOUNT_SCOPE)).update(revoked_at=timezone.now())


def actor_of(text: str, now: datetime | None = None) -> Actor:
    """Who sends this token. Raises `Unauthenticated`, whose message says no more than a stranger may know."""
    moment = now or timezone.now()
    if not is_token(text):
        raise Unauthenticated("unauthenticated", "this is no token: part of it is missing or mistyped")
    token = ApiToken.objects.select_related("account").filter(secret_hash=secrets.kept(text)).first()
    if token is None or token.revoked_at is not None or token.expires_at <= moment or not token.account.is_active:
        raise Unauthenticated("unauthenticated", "the token is unknown, expired or revoked")
    if token.last_used_at is None or moment - token.last_used_at > _USED_STEP:
        ApiToken.objects.filter(id=token.id).update(last_used_at=moment)
    return Actor(token.account, token)


def is_token(text: str) -> bool:
    """Whether a text has the form of a token and its checksum fits."""
    if not text.startswith(PREFIX) or len(text) != len(PREFIX) + _SECRET + _CHECKSUM or not text.isascii():
        return False
    return text[-_CHECKSUM:] == _checksum(text[:-_CHECKSUM])


def _new_text() -> str:
    body = PREFIX + secrets.new_secret()
    return body + _checksum(body)


def _checksum(body: str) -> str:
    return b64url(zlib.crc32(body.encode()).to_bytes(4, "big"))
