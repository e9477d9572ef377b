"""Publishing on the server: from a draft to a document on the origin that an application accepts."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from django.utils import timezone

from livepin.author.signers import pem
from livepin.author.signers.detached import SigningInput, sign_input
from livepin.author.signers.pem import PemSigner
from livepin.core.base64s import b64
from livepin.core.trust import verify
from livepin.errors import Conflict, Forbidden, NotFound, ValueInvalid
from livepin.publish.origins.folder import FolderOrigin
from livepin.server.actions import delivery, hosts, keys, projects, publishes, revisions
from livepin.server.actions.publishes import Wish
from livepin.server.jobs import threads
from livepin.server.models import AuditEntry, Job, Project, Publish
from livepin.server.settings import CONFIG
from tests.server.publishing import DIGESTS, host, publish, seen
from tests.server.world import World

pytestmark = pytest.mark.usefixtures("origin")


def test_a_draft_becomes_a_document_that_applications_accept(world: World, origin: FolderOrigin) -> None:
    hosts.put(world.actor("bob"), "acme", "shop", None, host())
    done = publish(world)
    assert (done.state, done.problem) == ("published", None)
    revision = seen(origin, world.project)
    assert (revision.epoch, revision.serial) == (0, 1)
    assert revision.document.lookup("api.example.com") is not None
    assert [one.step for one in done.steps.order_by("id")] == [
        step for step in delivery.Step if step is not delivery.Step.CONFIRM
    ]


def test_the_next_publish_has_the_next_number_and_old_revisions_stay(world: World, origin: FolderOrigin) -> None:
    for name in "abc":
        hosts.put(world.actor("bob"), "acme", "shop", None, host(f"{name}.example.com"))
        assert publish(world).state == "published"
    assert seen(origin, world.project).serial == 3
    assert [str(one) for one in revisions.listed(world.actor("carol"), "acme", "shop")] == ["0.3", "0.2", "0.1"]
    assert [str(one) for one in revisions.listed(world.actor("carol"), "acme", "shop", (0, 3), 1)] == ["0.2"]
    assert origin.read("acme/shop/0.1.jws") is not None


def test_the_guard_refuses_and_an_override_with_a_reason_lets_it_pass(world: World, origin: FolderOrigin) -> None:
    hosts.put(world.actor("bob"), "acme", "shop", None, host("nobody.invalid", DIGESTS[0], action="enforce"))
    refused = publish(world)
    assert refused.state == "refused"
    assert [one["rule"] for one in refused.findings if one["state"] == "open"] == ["G1", "G2"]
    assert origin.read("acme/shop/pins.jws") is None
    done = publish(world, Wish({"G1": "the second key comes tomorrow", "G2": "not live yet"}))
    assert done.state == "published"
    assert {one["reason"] for one in done.findings} == {"the second key comes tomorrow", "not live yet"}


@pytest.mark.parametrize("overrides", [{"J6": "I know"}, {"G1": " "}, {"G99": "what"}])
def test_an_override_that_is_none_is_refused_before_anything_happens(world: World, overrides: dict[str, str]) -> None:
    with pytest.raises(ValueInvalid):
        publishes.start(world.actor("paul"), "acme", "shop", Wish(overrides))
    assert not Publish.objects.exists()


def test_who_may_not_publish_cannot(world: World) -> None:
    for name, error in {"bob": Forbidden, "carol": Forbidden, "mallory": NotFound}.items():
        with pytest.raises(error):
            publishes.start(world.actor(name), "acme", "shop")
    assert not Job.objects.exists()


def test_asking_twice_with_one_key_publishes_once(world: World, origin: FolderOrigin) -> None:
    hosts.put(world.actor("bob"), "acme", "shop", None, host())
    first = publish(world, Wish(key="deploy 17"))
    again = publish(world, Wish(key="deploy 17"))
    assert first.id == again.id
    assert seen(origin, world.project).serial == 1
    with pytest.raises(Conflict) as caught:
        publishes.start(world.actor("paul"), "acme", "shop", Wish(note="another", key="deploy 17"))
    assert caught.value.code == "key_reused"


def test_a_draft_that_changed_since_it_was_read_is_not_published(world: World) -> None:
    hosts.put(world.actor("bob"), "acme", "shop", None, host())
    with pytest.raises(Conflict) as caught:
        publishes.start(world.actor("paul"), "acme", "shop", Wish(version=1))
    assert caught.value.code == "draft_changed"


def approvals(world: World, number: int) -> None:
    Project.objects.filter(id=world.project.id).update(approvals_required=number)


def test_two_people_are_needed_and_one_is_not_two(world: World, origin: FolderOrigin) -> None:
    approvals(world, 2)
    hosts.put(world.actor("bob"), "acme", "shop", None, host())
    asked = publish(world)
    assert asked.state == "waiting"
    number = str(asked.id)
    for name in ("paul", "bob", "carol"):
        with pytest.raises(Forbidden):
            publishes.approve(world.actor(name), "acme", "shop", number)
    with pytest.raises(NotFound):
        publishes.approve(world.actor("mallory"), "acme", "shop", number)
    delivery.run(number)
    assert origin.read("acme/shop/pins.jws") is None
    publishes.approve(world.actor("ada"), "acme", "shop", number)
    delivery.run(number)
    assert seen(origin, world.project).serial == 1


def test_what_was_approved_is_what_is_signed(world: World, origin: FolderOrigin) -> None:
    approvals(world, 2)
    hosts.put(world.actor("bob"), "acme", "shop", None, host())
    asked = publish(world)
    hosts.put(world.actor("bob"), "acme", "shop", None, host("smuggled.example.com"))
    publishes.approve(world.actor("ada"), "acme", "shop", str(asked.id))
    delivery.run(str(asked.id))
    assert seen(origin, world.project).document.lookup("smuggled.example.com") is None


def test_who_approves_sees_what_will_be_signed_and_not_what_the_draft_says_by_then(
    world: World, origin: FolderOrigin
) -> None:
    approvals(world, 2)
    hosts.put(world.actor("bob"), "acme", "shop", None, host("first.example.com"))
    asked = publish(world)
    assert asked.state == "waiting"
    hosts.put(world.actor("bob"), "acme", "shop", None, host("second.example.com"))
    ada = world.actor("ada")
    shown = publishes.changes(ada, "acme", "shop", str(asked.id))
    assert [(one.what, one.where) for one in shown] == [("added", "first.example.com")]
    client = Client()
    client.force_login(world.accounts["ada"])
    page = client.get(f"/o/acme/p/shop/publishes/{asked.id}/").content.decode()
    assert "What it changes" in page
    assert "first.example.com" in page
    assert "second.example.com" not in page
    publishes.approve(ada, "acme", "shop", str(asked.id))
    delivery.run(str(asked.id))
    assert list(seen(origin, world.project).document.hosts) == ["first.example.com"]
    with pytest.raises(Conflict, match="its revision says"):
        publishes.changes(ada, "acme", "shop", str(asked.id))
    assert "What it changes" not in client.get(f"/o/acme/p/shop/publishes/{asked.id}/").content.decode()


def test_who_approves_and_loses_the_right_has_not_approved(world: World, origin: FolderOrigin) -> None:
    approvals(world, 3)
    hosts.put(world.actor("bob"), "acme", "shop", None, host())
    asked = publish(world)
    for name in ("ada", "alice"):
        publishes.approve(world.actor(name), "acme", "shop", str(asked.id))
    world.accounts["ada"].memberships.update(role="viewer")
    delivery.run(str(asked.id))
    assert publishes.read(world.actor("paul"), "acme", "shop", str(asked.id)).state == "waiting"


def test_an_account_that_is_gone_does_not_make_its_publish_the_servers_own(world: World, origin: FolderOrigin) -> None:
    approvals(world, 2)
    hosts.put(world.actor("bob"), "acme", "shop", None, host())
    asked = publish(world)
    world.accounts["paul"].delete()
    delivery.run(str(asked.id))
    assert origin.read("acme/shop/pins.jws") is None


def test_a_publish_waits_for_its_hour(world: World, origin: FolderOrigin) -> None:
    hosts.put(world.actor("bob"), "acme", "shop", None, host())
    hour = timezone.now() + timedelta(hours=3)
    asked = publish(world, Wish(scheduled_for=hour))
    assert asked.state == "waiting"
    Publish.objects.filter(id=asked.id).update(scheduled_for=timezone.now())
    delivery.run(str(asked.id))
    assert seen(origin, world.project).serial == 1


@pytest.mark.skipif(CONFIG.on_postgres, reason="looks into the table of jobs of one machine")
def test_a_job_waits_for_the_hour_and_publishes_by_itself(
    transactional_db: None, world: World, origin: FolderOrigin
) -> None:
    hosts.put(world.actor("bob"), "acme", "shop", None, host())
    hour = timezone.now() + timedelta(hours=3)
    asked = publish(world, Wish(scheduled_for=hour))
    threads.run_waiting()
    waiting = Job.objects.get(task="publish", state="waiting")
    assert waiting.due_at == hour
    assert origin.read("acme/shop/pins.jws") is None
    # The hour comes.
    Publish.objects.filter(id=asked.id).update(scheduled_for=timezone.now())
    Job.objects.filter(id=waiting.id).update(due_at=timezone.now())
    threads.run_waiting()
    assert seen(origin, world.project).serial == 1
    assert publishes.read(world.actor("carol"), "acme", "shop", str(asked.id)).state == "published"


def test_a_publish_whose_job_is_lost_goes_out_all_the_same(world: World, origin: FolderOrigin) -> None:
    """As after a backup was restored: the publish is there, and no job."""
    hosts.put(world.actor("bob"), "acme", "shop", None, host())
    asked = publish(world, Wish(scheduled_for=timezone.now() + timedelta(hours=3)))
    assert publishes.resume_all() == 0, "its hour has not come"
    Publish.objects.filter(id=asked.id).update(scheduled_for=timezone.now())
    assert publishes.resume_all() == 1


def test_what_is_frozen_is_published_at_its_hour_and_not_what_the_draft_says_then(
    world: World, origin: FolderOrigin
) -> None:
    hosts.put(world.actor("bob"), "acme", "shop", None, host("then.example.com"))
    asked = publish(world, Wish(scheduled_for=timezone.now() + timedelta(hours=3)))
    hosts.put(world.actor("bob"), "acme", "shop", None, host("later.example.com"))
    Publish.objects.filter(id=asked.id).update(scheduled_for=timezone.now())
    delivery.run(str(asked.id))
    assert list(seen(origin, world.project).document.hosts) == ["then.example.com"]


def test_the_guard_is_asked_again_when_its_answer_is_old(world: World, origin: FolderOrigin) -> None:
    """What it saw hours ago may not be so any more."""
    hosts.put(world.actor("bob"), "acme", "shop", None, host("nobody.invalid", DIGESTS[0], action="enforce"))
    wish = Wish({"G1": "one key", "G2": "not live yet"}, scheduled_for=timezone.now() + timedelta(hours=3))
    asked = publish(world, wish)
    assert asked.state == "waiting"
    # The reasons are gone, as if what they excused were new.
    long_ago = timezone.now() - delivery.RECHECK - timedelta(seconds=1)
    Publish.objects.filter(id=asked.id).update(scheduled_for=timezone.now(), checked_at=long_ago, overrides={})
    delivery.run(str(asked.id))
    assert publishes.read(world.actor("carol"), "acme", "shop", str(asked.id)).state == "refused"
    assert origin.read("acme/shop/pins.jws") is None


def test_nothing_is_scheduled_more_than_a_year_ahead(world: World) -> None:
    with pytest.raises(ValueInvalid):
        publish(world, Wish(scheduled_for=timezone.now() + timedelta(days=400)))


def test_what_was_asked_for_later_and_is_published_is_not_undone(world: World, origin: FolderOrigin) -> None:
    hosts.put(world.actor("bob"), "acme", "shop", None, host("old.example.com"))
    old = publish(world, Wish(scheduled_for=timezone.now() + timedelta(hours=3)))
    hosts.put(world.actor("bob"), "acme", "shop", None, host("new.example.com"))
    assert publish(world).state == "published"
    Publish.objects.filter(id=old.id).update(scheduled_for=timezone.now())
    delivery.run(str(old.id))
    after = publishes.read(world.actor("paul"), "acme", "shop", str(old.id))
    assert (after.state, (after.problem or {})["code"]) == ("failed", "superseded")
    assert seen(origin, world.project).document.lookup("new.example.com") is not None


class Died(BaseException):
    """A process ends in the middle of a publish, and another finds no lease."""


def dies_at(step: delivery.Step, asked: Publish) -> None:
    def told(now: delivery.Step, where: str) -> None:
        if now is step:
            raise Died

    with pytest.raises(Died):
        delivery.run(str(asked.id), told)


def asked_for(world: World, pattern: str, scheduled_for: datetime | None = None) -> Publish:
    hosts.put(world.actor("bob"), "acme", "shop", None, host(pattern))
    return publishes.start(world.actor("paul"), "acme", "shop", Wish(scheduled_for=scheduled_for))


def end(world: World, asked: Publish) -> tuple[str, str]:
    """The state that a publish comes to, and the code of its problem."""
    delivery.run(str(asked.id))
    after = publishes.read(world.actor("paul"), "acme", "shop", str(asked.id))
    return after.state, (after.problem or {}).get("code", "")


def test_the_last_wish_wins_though_its_worker_died_and_an_older_one_overtook_it(
    world: World, origin: FolderOrigin
) -> None:
    old = asked_for(world, "old.example.com", timezone.now() + timedelta(hours=3))
    delivery.run(str(old.id))
    new = asked_for(world, "new.example.com")
    dies_at(delivery.Step.POINT, new)
    Publish.objects.filter(id=old.id).update(scheduled_for=timezone.now())
    assert end(world, old) == ("published", "")
    assert list(seen(origin, world.project).document.hosts) == ["old.example.com"]
    assert end(world, new) == ("published", "")
    last = seen(origin, world.project)
    assert (last.serial, list(last.document.hosts)) == (3, ["new.example.com", "old.example.com"])
    rows = list(world.project.revisions.order_by("serial").values_list("serial", flat=True))
    assert rows == [2, 3], "the number that nobody got is forgotten"


def test_what_reached_applications_counts_though_its_worker_died_before_it_could_say_so(
    world: World, origin: FolderOrigin
) -> None:
    old = asked_for(world, "old.example.com", timezone.now() + timedelta(hours=3))
    delivery.run(str(old.id))
    new = asked_for(world, "new.example.com")
    dies_at(delivery.Step.FINISH, new)
    Publish.objects.filter(id=old.id).update(scheduled_for=timezone.now())
    assert end(world, old) == ("failed", "superseded")
    assert end(world, new) == ("published", "")
    assert seen(origin, world.project).serial == 1


def test_a_publish_that_was_out_before_a_newer_one_is_published_when_somebody_looks(
    world: World, origin: FolderOrigin
) -> None:
    first = asked_for(world, "first.example.com")
    dies_at(delivery.Step.FINISH, first)
    assert end(world, asked_for(world, "second.example.com")) == ("published", "")
    assert end(world, first) == ("published", "")
    assert seen(origin, world.project).serial == 2
    assert AuditEntry.objects.filter(organization=world.organization, what="published").count() == 2


def test_a_publish_whose_number_was_passed_and_whose_content_is_old_is_superseded(
    world: World, origin: FolderOrigin
) -> None:
    first = asked_for(world, "first.example.com")
    dies_at(delivery.Step.POINT, first)
    assert end(world, asked_for(world, "second.example.com")) == ("published", "")
    assert end(world, first) == ("failed", "superseded")
    assert seen(origin, world.project).serial == 2


def test_a_cancelled_publish_is_over(world: World, origin: FolderOrigin) -> None:
    approvals(world, 2)
    hosts.put(world.actor("bob"), "acme", "shop", None, host())
    asked = publish(world)
    publishes.cancel(world.actor("paul"), "acme", "shop", str(asked.id))
    with pytest.raises(Conflict):
        publishes.approve(world.actor("ada"), "acme", "shop", str(asked.id))
    delivery.run(str(asked.id))
    assert origin.read("acme/shop/pins.jws") is None


def test_rolling_back_is_a_new_number_with_old_content(world: World, origin: FolderOrigin) -> None:
    hosts.put(world.actor("bob"), "acme", "shop", None, host("old.example.com"))
    publish(world)
    hosts.put(world.actor("bob"), "acme", "shop", None, host("new.example.com"))
    publish(world)
    asked = publishes.rollback(world.actor("paul"), "acme", "shop", 0, 1)
    assert publishes.wait(world.actor("paul"), "acme", "shop", str(asked.id)).state == "published"
    revision = seen(origin, world.project)
    assert (revision.serial, list(revision.document.hosts)) == (3, ["old.example.com"])
    with pytest.raises(NotFound):
        publishes.rollback(world.actor("paul"), "acme", "shop", 0, 9)


@pytest.mark.parametrize("kind", list(pem.KeyKind))
def test_an_own_key_signs_elsewhere_and_the_server_never_has_it(
    world: World, origin: FolderOrigin, kind: pem.KeyKind
) -> None:
    key = pem.generate(kind)
    public = b64(pem.public_der(key))
    alice, paul = world.actor("alice"), world.actor("paul")
    own = projects.create(alice, "acme", "own", public_key=public)
    assert own.anchors == [public]
    hosts.put(world.actor("bob"), "acme", "own", None, host())
    asked = publishes.start(paul, "acme", "own")
    waiting = publishes.wait(paul, "acme", "own", str(asked.id))
    assert waiting.state == "unsigned"
    wanted = SigningInput.parse(publishes.signing_input(paul, "acme", "own", str(asked.id)).encode())
    stranger = PemSigner(ec.generate_private_key(ec.SECP256R1()))
    for answer in (b"", wanted.data, stranger.sign(wanted.data), wanted.data + b"." + b"A" * 86):
        with pytest.raises(ValueInvalid) as caught:
            publishes.bring(paul, "acme", "own", str(asked.id), answer)
        assert caught.value.code == "signature_refused"
    publishes.bring(paul, "acme", "own", str(asked.id), sign_input(wanted, PemSigner(key)).encode())
    done = publishes.wait(paul, "acme", "own", str(asked.id))
    assert done.state == "published"
    own.refresh_from_db()
    text = origin.read("acme/own/pins.jws") or b""
    assert verify(text, keys.trust_of(own), timezone.now().timestamp()).adopted
    assert not own.signing_keys.exclude(sealed="").exists()


def test_what_happened_is_in_the_audit_trail(world: World) -> None:
    hosts.put(world.actor("bob"), "acme", "shop", None, host())
    publish(world)
    entries = AuditEntry.objects.filter(organization=world.organization).order_by("-number")[:2]
    assert [(one.what, one.actor) for one in entries] == [
        ("published", f"account {world.accounts['paul'].id}"),
        ("publish asked for", f"account {world.accounts['paul'].id}"),
    ]
    assert entries[0].target == "0.1"
