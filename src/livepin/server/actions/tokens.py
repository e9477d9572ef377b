"""API tokens: made, shown once, listed, revoked, and turned back into an actor.

A token reads `lvp_` ‖ 43 characters of base64url (32 random bytes) ‖ 6 characters of a checksum: people and scanners
recognize one, and a typo is told from a revoked token without asking the database.
"""

from __future__ import annotations

import hashlib
import secrets
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from livepin.core.base64s import b64url
from livepin.errors import Forbidden, NotFound, Unauthenticated, ValueInvalid
from livepin.server.actions import audit
from livepin.server.actions.actor import ACCOUNT_SCOPE, SCOPES, Actor, May, Reach, reach, reach_project
from livepin.server.models import Account, ApiToken

PREFIX = "lvp_"
MAX_DAYS = 366
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

    Raises `ValueInvalid`, `Forbidden`, `NotFound`.
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
        token = ApiToken.objects.create(
            organization=reached.organization,
            project=found,
            account=account,
            name=name.strip()[:100] or scope,
            scope=scope,
            secret_hash=_hash(text),
            expires_at=timezone.now() + timedelta(days=days),
        )
        audit.append(reached.organization, actor, "token created", str(token.id), scope=scope, project=project)
    return NewToken(token, text)


def sign_in(account: Account, name: str) -> NewToken:
    """A token with which a command line acts as the account itself, after the account has proved who it is."""
    text = _new_text()
    token = ApiToken.objects.create(
        account=account,
        name=name.strip()[:100] or "command line",
        scope=ACCOUNT_SCOPE,
        secret_hash=_hash(text),
        expires_at=timezone.now() + timedelta(days=SIGN_IN_DAYS),
    )
    return NewToken(token, text)


def _account(actor: Actor) -> Account:
    if actor.account is None or (actor.token is not None and actor.token.scope != ACCOUNT_SCOPE):
        raise Forbidden("forbidden", "a token cannot make tokens")
    return actor.account


def listed(actor: Actor, organization: str) -> list[ApiToken]:
    """The tokens of an organization that the actor may revoke: all for who manages it, else one's own."""
    reached = reach(actor, organization, May.READ)
    return list(_revocable(reached).select_related("project", "account").order_by("-created_at"))


def revoke(actor: Actor, organization: str, token_id: str) -> ApiToken:
    """End a token at once. Raises `NotFound`."""
    reached = reach(actor, organization, May.READ)
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
    tokens = reached.organization.tokens.all()
    return tokens if reached.may(May.MANAGE) else tokens.filter(account=reached.actor.account)


def actor_of(text: str, now: datetime | None = None) -> Actor:
    """Who sends this token. Raises `Unauthenticated`, whose message says no more than a stranger may know."""
    moment = now or timezone.now()
    if not is_token(text):
        raise Unauthenticated("unauthenticated", "this is no token: part of it is missing or mistyped")
    token = ApiToken.objects.select_related("account").filter(secret_hash=_hash(text)).first()
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
    body = PREFIX + b64url(secrets.token_bytes(32))
    return body + _checksum(body)


def _checksum(body: str) -> str:
    return b64url(zlib.crc32(body.encode()).to_bytes(4, "big"))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
