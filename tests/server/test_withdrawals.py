"""The end of a project's documents: for good and slowly, or at once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from livepin.core.document import Action
from livepin.errors import Conflict, Forbidden, NotFound, OriginFailed, ValueInvalid
from livepin.publish.origins.folder import FolderOrigin
from livepin.server import queue
from livepin.server.actions import delivery, hosts, overview, publishes, renewals, withdrawals
from livepin.server.actions.delivery import Step
from livepin.server.actions.publishes import Wish
from livepin.server.models import AuditEntry, Job, Project, Publish
from livepin.server.settings import CONFIG
from tests.server.publishing import host, publish, published, rest, seen
from tests.server.world import World

pytestmark = pytest.mark.usefixtures("origin")
ALL = "acme/shop/"


def objects(origin: FolderOrigin) -> set[str]:
    """Everything of the project that lies on the origin."""
    folder = CONFIG.origin_folder / ALL
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def removal(world: World) -> None:
    """What the job does."""
    withdrawals.remove_objects(str(world.project.id))


def state(world: World) -> str:
    return Project.objects.get(id=world.project.id).state


def removal_due(world: World) -> Job:
    return Job.objects.get(task="remove objects")


on_table = pytest.mark.skipif(CONFIG.on_postgres, reason="looks into the table of jobs of one machine")


# ---------------------------------------------------------------- decommissioned


@on_table
def test_a_decommissioned_project_ends_with_a_revision_that_judges_nobody(world: World, origin: FolderOrigin) -> None:
    published(world, "api.example.com", "web.example.com")
    asked = withdrawals.decommission(world.actor("ada"), "acme", "shop", "the shop closes", 24)
    done = rest(world, asked)
    assert (done.state, done.note, done.what) == ("published", "the shop closes", "withdrawal")
    document = seen(origin, world.project).document
    assert {one.host: one.action for one in document.policies()} == {
        "api.example.com": Action.OFF,
        "web.example.com": Action.OFF,
    }
    assert state(world) == "decommissioned"
    job = removal_due(world)
    assert timedelta(hours=23) < job.due_at - timezone.now() <= timedelta(hours=24)
    removal(world)
    assert objects(origin) == set()


def test_a_decommissioned_project_takes_no_changes(world: World) -> None:
    published(world)
    rest(world, withdrawals.decommission(world.actor("ada"), "acme", "shop", "over"))
    acts: tuple[Callable[[], object], ...] = (
        lambda: publishes.start(world.actor("paul"), "acme", "shop"),
        lambda: publishes.rollback(world.actor("paul"), "acme", "shop", 0, 1),
        lambda: renewals.start(world.actor("paul"), "acme", "shop"),
        lambda: withdrawals.decommission(world.actor("ada"), "acme", "shop", "again"),
    )
    for act in acts:
        with pytest.raises(Conflict, match="decommissioned"):
            act()
    assert renewals.start_due(timezone.now() + timedelta(days=29)) == 0


def test_what_waited_when_the_last_revision_went_out_fails(world: World, origin: FolderOrigin) -> None:
    published(world)
    hosts.put(world.actor("bob"), "acme", "shop", None, host("late.example.com"))
    waiting = publish(world, Wish(scheduled_for=timezone.now() + timedelta(hours=1)))
    rest(world, withdrawals.decommission(world.actor("ada"), "acme", "shop", "over"))
    Publish.objects.filter(id=waiting.id).update(scheduled_for=timezone.now())
    delivery.run(str(waiting.id))
    after = Publish.objects.get(id=waiting.id)
    assert (after.state, (after.problem or {})["code"]) == ("failed", "state_wrong")
    assert seen(origin, world.project).serial == 2


def test_decommissioning_waits_for_approvals_like_any_publish(world: World, origin: FolderOrigin) -> None:
    published(world)
    Project.objects.filter(id=world.project.id).update(approvals_required=2)
    asked = rest(world, withdrawals.decommission(world.actor("ada"), "acme", "shop", "over"))
    assert (asked.state, state(world)) == ("waiting", "active")
    publishes.approve(world.actor("paul"), "acme", "shop", str(asked.id))
    delivery.run(str(asked.id))
    assert rest(world, asked).state == "published"
    assert state(world) == "decommissioned"


def test_there_has_to_be_something_that_ends(world: World) -> None:
    with pytest.raises(Conflict, match="nothing is published"):
        withdrawals.decommission(world.actor("ada"), "acme", "shop", "over")


@pytest.mark.parametrize(
    ("reason", "hours"), [("", 1), (" ", 1), ("two\nlines", 1), ("x" * 501, 1), ("x", -1), ("x", 8761)]
)
def test_a_reason_and_a_time_are_needed(world: World, reason: str, hours: int) -> None:
    published(world)
    with pytest.raises(ValueInvalid):
        withdrawals.decommission(world.actor("ada"), "acme", "shop", reason, hours)
    if hours == 1:
        with pytest.raises(ValueInvalid):
            withdrawals.withdraw(world.actor("ada"), "acme", "shop", reason)
    assert state(world) == "active"


# ---------------------------------------------------------------- withdrawn


@on_table
def test_a_withdrawn_project_leaves_nothing_on_the_origin(world: World, origin: FolderOrigin) -> None:
    for pattern in ("a.example.com", "b.example.com"):
        published(world, pattern)
    origin.replace("acme/shop/fresh.jws", b"a statement", lambda present: None)
    origin.create("acme/other/0.1.jws", b"of another project")
    assert objects(origin) >= {"pins.jws", "0.1.jws", "0.2.jws", "fresh.jws"}
    withdrawals.withdraw(world.actor("ada"), "acme", "shop", "the key is stolen")
    assert state(world) == "withdrawn"
    assert removal_due(world).due_at <= timezone.now()
    removal(world)
    assert objects(origin) == set()
    removal(world)  # safe to repeat
    assert origin.read("acme/other/0.1.jws") is not None
    last = AuditEntry.objects.filter(organization=world.organization).order_by("-number")[0]
    assert (last.what, last.actor) == ("project withdrawn", f"account {world.accounts['ada'].id}")
    assert Publish.objects.get(what="withdrawal").note == "the key is stolen"


@on_table
def test_a_decommissioned_project_can_be_withdrawn_at_once(world: World) -> None:
    published(world)
    rest(world, withdrawals.decommission(world.actor("ada"), "acme", "shop", "over"))
    assert removal_due(world).due_at > timezone.now()
    withdrawals.withdraw(world.actor("ada"), "acme", "shop", "the key is stolen")
    assert removal_due(world).due_at <= timezone.now()


def test_nothing_is_signed_for_a_withdrawn_project(world: World, origin: FolderOrigin) -> None:
    published(world)
    hosts.put(world.actor("bob"), "acme", "shop", None, host("late.example.com"))
    waiting = publish(world, Wish(scheduled_for=timezone.now() + timedelta(hours=1)))
    withdrawals.withdraw(world.actor("ada"), "acme", "shop", "the key is stolen")
    removal(world)
    assert Publish.objects.get(id=waiting.id).state == "cancelled"
    delivery.run(str(waiting.id))
    with pytest.raises(Conflict):
        publishes.start(world.actor("paul"), "acme", "shop")
    with pytest.raises(Conflict):
        publishes.retry(world.actor("paul"), "acme", "shop", str(waiting.id))
    assert renewals.start_due(timezone.now() + timedelta(days=29)) == 0
    assert objects(origin) == set()


@pytest.mark.parametrize("step", [Step.WRITE, Step.READ_BACK, Step.POINT, Step.FINISH])
def test_who_is_just_delivering_does_not_bring_it_back(world: World, origin: FolderOrigin, step: Step) -> None:
    """The project is withdrawn, and its objects are removed, while a worker is in the middle of a publish."""
    published(world)
    hosts.put(world.actor("bob"), "acme", "shop", None, host("late.example.com"))
    asked = publishes.start(world.actor("paul"), "acme", "shop")
    again: list[queue.Again] = []

    def told(now: Step, where: str) -> None:
        if now is step and not again:
            withdrawals.withdraw(world.actor("ada"), "acme", "shop", "the key is stolen")
            with pytest.raises(queue.Again) as caught:
                removal(world)
            again.append(caught.value)

    with contextlib.suppress(queue.Again):  # what it reads back is gone; the next try finds that it is over
        delivery.run(str(asked.id), told)
    delivery.run(str(asked.id))
    assert again, "the removal looks again once the worker is gone"
    removal(world)
    assert objects(origin) == set()
    assert Publish.objects.get(id=asked.id).state == "cancelled"
    assert state(world) == "withdrawn"


def test_an_origin_that_does_not_answer_is_asked_again(world: World, origin: FolderOrigin) -> None:
    published(world)
    withdrawals.withdraw(world.actor("ada"), "acme", "shop", "the key is stolen")
    pointer = CONFIG.origin_folder / "acme/shop/pins.jws"
    pointer.rename(pointer.with_name("away"))
    pointer.mkdir()
    with pytest.raises(OriginFailed):
        removal(world)
    pointer.rmdir()
    pointer.with_name("away").rename(pointer)
    removal(world)
    assert objects(origin) == set()


def test_the_objects_of_an_active_project_are_not_removed_by_a_stray_job(world: World, origin: FolderOrigin) -> None:
    published(world)
    removal(world)
    assert objects(origin) >= {"pins.jws", "0.1.jws"}


def test_who_may_not_manage_withdraws_nothing(world: World, origin: FolderOrigin) -> None:
    published(world)
    for name, error in (("paul", Forbidden), ("carol", Forbidden), ("mallory", NotFound)):
        with pytest.raises(error):
            withdrawals.withdraw(world.actor(name), "acme", "shop", "because")
        with pytest.raises(error):
            withdrawals.decommission(world.actor(name), "acme", "shop", "because")
    assert state(world) == "active"
    assert objects(origin) >= {"pins.jws"}


# ---------------------------------------------------------------- how origins are


def test_how_an_origin_is(world: World, origin: FolderOrigin) -> None:
    carol = world.actor("carol")
    assert overview.health(carol, "acme", "shop") == ()
    published(world)
    (fine,) = overview.health(carol, "acme", "shop")
    assert (fine.number, fine.problem) == ("0.1", "")
    old = origin.read("acme/shop/pins.jws") or b""
    published(world, "more.example.com")
    origin.replace("acme/shop/pins.jws", old, lambda present: None)
    (behind,) = overview.health(carol, "acme", "shop")
    assert (behind.number, behind.problem) == ("0.1", "it is behind")
    origin.remove("acme/shop/pins.jws")
    (empty,) = overview.health(carol, "acme", "shop")
    assert (empty.number, empty.problem) == ("", "there is no document")
    with pytest.raises(NotFound):
        overview.health(world.actor("mallory"), "acme", "shop")
