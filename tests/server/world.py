"""The cast of the server's tests, and short ways to let them act."""

from __future__ import annotations

from dataclasses import dataclass

from allauth.account.models import EmailAddress

from livepin.server.actions import organizations, projects
from livepin.server.actions.actor import Actor
from livepin.server.models import Account, Membership, Organization, Project

ROLES = {"alice": "owner", "ada": "admin", "paul": "publisher", "bob": "editor", "carol": "viewer"}


@dataclass(frozen=True, slots=True)
class World:
    """Organization acme with project shop, and everybody's accounts by name."""

    organization: Organization
    project: Project
    accounts: dict[str, Account]

    @classmethod
    def make(cls) -> World:
        """Everything anew, in the test's transaction."""
        people = [*ROLES, "mallory"]
        accounts = {name: Account.objects.create_user(f"{name}@example.com", name=name.title()) for name in people}
        organization = organizations.create(Actor(accounts["alice"]), "acme")
        for name, role in ROLES.items():
            if name != "alice":
                Membership.objects.create(organization=organization, account=accounts[name], role=role)
        project = projects.create(Actor(accounts["alice"]), "acme", "shop")
        organizations.create(Actor(accounts["mallory"]), "malice")
        projects.create(Actor(accounts["mallory"]), "malice", "shop")
        return cls(organization, project, accounts)

    def actor(self, name: str) -> Actor:
        """Somebody of the cast, signed in."""
        return Actor(self.accounts[name])

    def with_password(self, name: str, password: str) -> Account:
        """Somebody of the cast, who can sign in from now on: with a password, and an address that was proved."""
        account = self.accounts[name]
        account.set_password(password)
        account.save()
        EmailAddress.objects.create(user=account, email=account.email, verified=True, primary=True)
        return account
