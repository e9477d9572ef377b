"""Who may what: every operation of the API, called by everybody. An operation that is not in the table fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from livepin.author.draft import HostEntry, PinEntry
from livepin.server.actions import accounts, hosts, invitations, projects, publishes, rates, tokens, warnings
from livepin.server.models import ApiToken, Look, Publish
from tests.server.api.caller import OPERATIONS, Caller
from tests.server.world import ROLES, World

#: The columns of the table: people by role, tokens of an owner by scope and place, and who is nobody.
PEOPLE = {role: name for name, role in ROLES.items()} | {"stranger": "mallory"}
CALLERS = (*PEOPLE, "read", "stage", "publish", "of the project", "of another", "expired", "revoked", "nobody")
#: + is the operation's own success; F forbidden, N not found, U unauthenticated, C a conflict.
LETTERS = {"F": 403, "N": 404, "U": 401, "C": 409}

PROJECT = {"organization": "acme", "project": "shop"}
ORGANIZATION = {"organization": "acme"}
HOST = {**PROJECT, "host": "api.example.com"}
CHANGE = {"if_match": "*"}
DIGEST = "A" * 43 + "="
#: A certificate that was seen, and that is worth a warning.
EXPIRED = {"subject": "", "names": [], "not_before": 0, "not_after": 1, "digests": {"cert_sha256": DIGEST}}


@dataclass(frozen=True, slots=True)
class Row:
    """An operation: the answers to all callers, and what is asked with."""

    answers: str
    given: dict[str, Any]
    body: Any = None
    success: int = 200


READ, WHOLE, SOME = "+++++N++++NUUU", "+++++N+++FFUUU", "+++++N+++++UUU"
STAGE, PUBLISH = "++++FNF+++NUUU", "+++FFNFF++NUUU"
MANAGE, MANAGE_PROJECT = "++FFFNFFFFFUUU", "++FFFNFFFFNUUU"
VALID, PERSON, ANYBODY = "+++++++++++UUU", "++++++FFFFFUUU", "++++++++++++++"

TABLE: dict[str, Row] = {
    "me_read": Row(VALID, {}),
    "me_rename": Row(PERSON, {}, {"name": "Somebody"}),
    "me_sign_out": Row(VALID, {}, success=204),
    "me_list_sign_ins": Row(PERSON, {}),
    "me_end_sign_in": Row("+NNNNNFFFFFUUU", {"sign_in": "{sign_in}"}, success=204),
    "sign_ins_start": Row(ANYBODY, {}, {"client": "tests"}, 201),
    "sign_ins_poll": Row("N" * 14, {}, {"device_code": "guess"}),
    "sign_ins_redeem": Row(ANYBODY, {}, {"secret": "{sign_in_link}"}, 201),
    "sign_ins_claim": Row(
        ANYBODY, {}, {"secret": "{link}", "email": "new@example.com", "password": "four random words"}, 201
    ),
    "organizations_list_all": Row(VALID, {}),
    "organizations_create": Row(PERSON, {}, {"organization": "another"}, 201),
    "organizations_read": Row(SOME, ORGANIZATION),
    "organizations_rename": Row(MANAGE, ORGANIZATION, {"name": "Acme"}),
    "organizations_demand_second_factor": Row("+FFFFNFFFFFUUU", ORGANIZATION, {"required": False}),
    "members_list_all": Row(WHOLE, ORGANIZATION),
    "members_change_role": Row(MANAGE, {**ORGANIZATION, "account": "{carol}"}, {"role": "editor"}),
    # Carol, who reads, removes herself.
    "members_remove": Row("++FF+NFFFFFUUU", {**ORGANIZATION, "account": "{carol}"}, success=204),
    "members_read_mail": Row("+++++NFFFFFUUU", ORGANIZATION),
    "members_choose_mail": Row("+++++NFFFFFUUU", ORGANIZATION, {"mail": "pressing"}),
    "invitations_list_all": Row(MANAGE, ORGANIZATION),
    "invitations_create": Row(MANAGE, ORGANIZATION, {"email": "new@example.com", "role": "viewer"}, 201),
    "invitations_revoke": Row(MANAGE, {**ORGANIZATION, "invitation": "{invitation}"}, success=204),
    # Who is a member already cannot become one.
    "invitations_accept": Row("CCCCC+FFFFFUUU", {}, {"secret": "{secret}"}),
    "tokens_list_all": Row(SOME, ORGANIZATION),
    "tokens_create": Row("+++++NFFFFFUUU", ORGANIZATION, {"scope": "read"}, 201),
    # It is Bob's, who edits.
    "tokens_revoke": Row("++N+NNNNNNNUUU", {**ORGANIZATION, "token": "{token}"}, success=204),
    "audit_list_all": Row(MANAGE, ORGANIZATION),
    "audit_export": Row(MANAGE, ORGANIZATION),
    "exports_account": Row(PERSON, {}),
    "exports_organization": Row(MANAGE, ORGANIZATION),
    "deletions_list_all": Row(PERSON, {}),
    "deletions_delete_organization": Row("+FFFFNFFFFFUUU", ORGANIZATION, success=202),
    "deletions_delete_project": Row(MANAGE_PROJECT, PROJECT, success=202),
    # Nobody wished for it; who may take it back is in test_deletions.py.
    "deletions_keep_organization": Row("N" * 11 + "UUU", ORGANIZATION),
    "deletions_keep_project": Row("N" * 11 + "UUU", PROJECT),
    # Alice and Mallory are the only owners.
    "deletions_close_account": Row("C++++CFFFFFUUU", {}, success=202),
    "deletions_reopen_account": Row("N" * 14, {}, {"secret": "guess"}),
    "projects_list_all": Row(SOME, ORGANIZATION),
    "projects_create": Row(MANAGE, ORGANIZATION, {"project": "another"}, 201),
    "projects_read": Row(READ, PROJECT),
    "projects_change": Row(MANAGE_PROJECT, PROJECT, {"name": "Shop"}),
    "drafts_read": Row(READ, PROJECT),
    "drafts_replace": Row(STAGE, PROJECT | CHANGE, {"hosts": []}),
    "drafts_change": Row(STAGE, PROJECT | CHANGE, {"unlisted": "report"}),
    "drafts_diff": Row(READ, PROJECT),
    "drafts_check": Row(STAGE, PROJECT, {}),
    "hosts_list_all": Row(READ, PROJECT),
    "hosts_read": Row(READ, HOST),
    "hosts_put": Row(STAGE, HOST | CHANGE, {"action": "off"}, 204),
    "hosts_remove": Row(STAGE, HOST | CHANGE, success=204),
    "hosts_add_pins": Row(STAGE, HOST | CHANGE, {"pins": [{"cert_sha256": DIGEST}]}, 204),
    "hosts_remove_pin": Row(STAGE, HOST | CHANGE | {"digest": "AAAA"}, success=204),
    "looks_list_all": Row(READ, HOST),
    "looks_refresh": Row(STAGE, HOST),
    "looks_discover": Row(STAGE, PROJECT, {"place": "127.0.0.1:9"}),
    "looks_certificates": Row(STAGE, PROJECT, {"pem": "no certificate"}, 422),
    "ct_logs_list_all": Row(VALID, {}),
    # The operator has no table.
    "ct_logs_prove": Row(STAGE, PROJECT, {"host": "api.example.com"}, 404),
    "warnings_list_all": Row(READ, PROJECT),
    "warnings_acknowledge": Row(STAGE, {**PROJECT, "warning": "{warning}"}),
    "warnings_take_back": Row(STAGE, {**PROJECT, "warning": "{warning}"}),
    "publishes_list_all": Row(READ, PROJECT),
    "publishes_start": Row(PUBLISH, PROJECT, {}, 202),
    "publishes_renew": Row(PUBLISH, PROJECT, success=202),
    "publishes_read": Row(READ, {**PROJECT, "publish": "{publish}"}),
    "publishes_diff": Row(READ, {**PROJECT, "publish": "{publish}"}),
    # Paul, who publishes, asked for it himself; and it does not wait.
    "publishes_approve": Row("CCFFFNFFCCNUUU", {**PROJECT, "publish": "{publish}"}),
    "publishes_cancel": Row(PUBLISH, {**PROJECT, "publish": "{publish}"}),
    "publishes_retry": Row("CCCFFNFFCCNUUU", {**PROJECT, "publish": "{publish}"}),
    "publishes_signing_input": Row("CCCFFNFFCCNUUU", {**PROJECT, "publish": "{publish}"}),
    "publishes_bring": Row("CCCFFNFFCCNUUU", {**PROJECT, "publish": "{publish}"}, {"signature": "AAAA"}),
    "revisions_list_all": Row(READ, PROJECT),
    "revisions_read": Row(READ, {**PROJECT, "epoch": 0, "serial": 1}),
    "revisions_diff": Row(READ, {**PROJECT, "epoch": 0, "serial": 1, "since": "0.1"}),
    "revisions_rollback": Row(PUBLISH, {**PROJECT, "epoch": 0, "serial": 1}, {}, 202),
    "revisions_adopt": Row(PUBLISH, PROJECT, {}),
    "revisions_take": Row(STAGE, {**PROJECT, "epoch": 0, "serial": 1} | CHANGE),
    "freshness_read": Row(READ, PROJECT),
    "origins_list_all": Row(READ, PROJECT),
    "withdrawals_decommission": Row(MANAGE_PROJECT, PROJECT, {"reason": "the shop closes"}, 202),
    "withdrawals_withdraw": Row(MANAGE_PROJECT, PROJECT, {"reason": "the key is stolen"}),
    "keys_list_all": Row(READ, PROJECT),
    "keys_add": Row(MANAGE_PROJECT, PROJECT, {"kind": "ed25519"}, 201),
    # It is the key that signs now.
    "keys_retire": Row("CCFFFNFFFFNUUU", {**PROJECT, "thumbprint": "{thumbprint}"}),
    "keys_read_keyset": Row(READ, PROJECT),
    "keys_put_keyset": Row(MANAGE_PROJECT, PROJECT, {"keys": ["no key set"]}, 422),
}


@dataclass(frozen=True, slots=True)
class Scene:
    """The world with one of everything, and a caller of every kind."""

    world: World
    callers: dict[str, Caller]
    names: dict[str, str]

    @classmethod
    def make(cls, world: World) -> Scene:
        """Everything anew, in the test's transaction."""
        alice, paul = world.actor("alice"), world.actor("paul")
        publishes.wait(paul, "acme", "shop", str(publishes.start(paul, "acme", "shop").id))
        pins = (PinEntry("spki_sha256", DIGEST),)
        hosts.put(alice, "acme", "shop", None, HostEntry("api.example.com", "enforce", pins, address="127.0.0.1:9"))
        Look.objects.create(host=world.project.hosts.get(), name="api.example.com:443", address="-", chain=[EXPIRED])
        projects.create(alice, "acme", "other")
        invited = invitations.create(alice, "acme", "nora@example.com", "editor")
        sign_in = tokens.sign_in(world.accounts["alice"], "laptop")
        names = {
            "carol": world.accounts["carol"].id,
            "token": tokens.create(world.actor("bob"), "acme", "bob's", "read", 30).token.id,
            "sign_in": sign_in.token.id,
            "invitation": invited.invitation.id,
            "secret": invited.secret,
            "link": accounts.account_link().secret,
            "sign_in_link": accounts.sign_in_link("bob@example.com").secret,
            "publish": publishes.start(paul, "acme", "shop").id,
            "warning": warnings.listed(alice, "acme", "shop")[0].warning.id,
            "thumbprint": world.project.signing_keys.get().thumbprint,
        }
        return cls(world, cls._callers(world), {name: str(value) for name, value in names.items()})

    @staticmethod
    def _callers(world: World) -> dict[str, Caller]:
        def made(scope: str, project: str = "") -> Caller:
            return Caller(tokens.create(world.actor("alice"), "acme", name, scope, 30, project).text)

        callers = {role: Caller.of(world, name) for role, name in PEOPLE.items()}
        for name in ("read", "stage", "publish"):
            callers[name] = made(name)
        for name, project in (("of the project", "shop"), ("of another", "other"), ("expired", ""), ("revoked", "")):
            callers[name] = made("publish", project)
        ApiToken.objects.filter(name="expired").update(expires_at=timezone.now())
        ApiToken.objects.filter(name="revoked").update(revoked_at=timezone.now())
        return {**callers, "nobody": Caller()}

    def asks(self, caller: str, operation: str, row: Row, **instead: Any) -> Any:
        """What the answer is; what it changed is undone."""
        rates.forget()
        given = {name: self.filled(value) for name, value in (row.given | instead).items()}
        body = None if row.body is None else {name: self.filled(value) for name, value in row.body.items()}
        return self.undone(lambda: self.callers[caller].call(operation, body, **given))

    @staticmethod
    def undone(act: Callable[[], Any]) -> Any:
        """What an act answers, without what it changed."""
        with transaction.atomic():
            answer = act()
            transaction.set_rollback(True)
        return answer

    def filled(self, value: Any) -> Any:
        """A value with the ID that it names."""
        return value.format(**self.names) if isinstance(value, str) else value


@pytest.fixture
def scene(world: World) -> Scene:
    return Scene.make(world)


def test_the_table_knows_every_operation_and_no_other() -> None:
    assert sorted(TABLE) == sorted(OPERATIONS)
    assert {len(row.answers) for row in TABLE.values()} == {len(CALLERS)}


@pytest.mark.parametrize("operation", TABLE)
def test_everybody_is_answered_as_the_table_says(scene: Scene, operation: str) -> None:
    row = TABLE[operation]
    expected = [row.success if letter == "+" else LETTERS[letter] for letter in row.answers]
    answers = {caller: scene.asks(caller, operation, row) for caller in CALLERS}
    found = {caller: response.status_code for caller, response in answers.items()}
    assert found == dict(zip(CALLERS, expected, strict=True)), answers["owner"].content
    declared = OPERATIONS[operation][2]["responses"]
    assert {str(status) for status in found.values()} <= declared.keys()


HIDDEN = [name for name, row in TABLE.items() if "organization" in row.given]


@pytest.mark.parametrize("operation", HIDDEN)
def test_strangers_cannot_tell_what_there_is_from_what_there_is_not(scene: Scene, operation: str) -> None:
    row = TABLE[operation]
    real = scene.asks("stranger", operation, row)
    invented = scene.asks("stranger", operation, row, organization="nothing")
    assert real.status_code == invented.status_code == 404
    assert real.content.replace(b"acme", b"nothing") == invented.content
    assert dict(real.headers).keys() == dict(invented.headers).keys()


@pytest.mark.parametrize("operation", [name for name in HIDDEN if "project" in TABLE[name].given])
def test_a_token_of_one_project_cannot_tell_whether_there_is_another(scene: Scene, operation: str) -> None:
    row = TABLE[operation]
    real = scene.asks("of another", operation, row)
    invented = scene.asks("of another", operation, row, project="nothing")
    assert real.content.replace(b"shop", b"nothing") == invented.content


#: Operations on Mallory's own organization, with the IDs of what belongs to another one.
SMUGGLED: dict[str, Callable[[str], dict[str, Any]]] = {
    "members_change_role": lambda one: {"account": one},
    "members_remove": lambda one: {"account": one},
    "invitations_revoke": lambda one: {"invitation": one},
    "tokens_revoke": lambda one: {"token": one},
    "publishes_read": lambda one: {"publish": one},
    "publishes_diff": lambda one: {"publish": one},
    "publishes_approve": lambda one: {"publish": one},
    "publishes_cancel": lambda one: {"publish": one},
    "publishes_retry": lambda one: {"publish": one},
    "publishes_signing_input": lambda one: {"publish": one},
    "publishes_bring": lambda one: {"publish": one},
    "keys_retire": lambda one: {"thumbprint": one},
    "warnings_acknowledge": lambda one: {"warning": one},
    "warnings_take_back": lambda one: {"warning": one},
}


@pytest.mark.parametrize("operation", SMUGGLED)
def test_an_id_of_another_organization_is_worth_as_much_as_an_invented_one(scene: Scene, operation: str) -> None:
    row, given = TABLE[operation], SMUGGLED[operation]
    theirs = next(str(value) for name, value in row.given.items() if str(value).startswith("{"))
    real_id, invented_id = scene.names[theirs.strip("{}")], str(uuid4())
    real = scene.asks("stranger", operation, row, organization="malice", **given(real_id))
    invented = scene.asks("stranger", operation, row, organization="malice", **given(invented_id))
    assert real.status_code == 404
    assert real.content.replace(real_id.encode(), invented_id.encode()) == invented.content
    assert Publish.objects.get(id=UUID(scene.names["publish"])).state == "checking"


def test_bodies_do_not_reach_into_another_organization(scene: Scene) -> None:
    mallory = scene.callers["stranger"]
    own = {"organization": "malice", "project": "shop"}
    # A project that only the other organization has.
    response = mallory.call("tokens_create", {"scope": "read", "project": "other"}, organization="malice")
    assert response.status_code == 404
    for member, value in (("organization", "acme"), ("project", "other")):
        response = mallory.call("drafts_replace", {"hosts": [], member: value}, **own, **CHANGE)
        assert (response.status_code, response.json()["where"]) == (422, member)


def test_the_walk_sees_a_hole(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The walk itself is held against a server that lets everybody in."""
    monkeypatch.setattr("livepin.server.actions.actor._most", lambda *_: "own")
    monkeypatch.setattr("livepin.server.actions.actor.Reach.need", lambda *_: None)
    assert scene.asks("stranger", "drafts_read", TABLE["drafts_read"]).status_code == 200
