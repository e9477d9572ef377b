"""Warnings of a project: shown, acknowledged, and mailed once to those who can do something."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.db import connections
from django.urls import resolve
from django.utils import timezone

from livepin.author.draft import HostEntry, PinEntry
from livepin.errors import Forbidden, NotFound, ValueInvalid
from livepin.server.actions import hosts, memberships, publishes, rates, warnings
from livepin.server.jobs import tasks
from livepin.server.models import Account, AuditEntry, Job, Look, Membership, Notice, Project
from livepin.server.settings import CONFIG
from livepin.watch.warnings import Kind, Stage
from tests.server.world import World

DAY = 86_400
DIGEST = "A" * 43 + "="
HOST = "api.example.com"


@pytest.fixture(autouse=True)
def _origin(tmp_path: Path) -> Iterator[None]:
    before = CONFIG.origin_folder
    object.__setattr__(CONFIG, "origin_folder", tmp_path / "origin")
    yield
    object.__setattr__(CONFIG, "origin_folder", before)


def serve(world: World, left: float, life: float = 90.0, host: str = HOST, cert: str = DIGEST) -> None:
    """Let the last look at a host have seen a certificate that ends in so many days."""
    row = world.project.hosts.filter(pattern=host).first()
    if row is None:
        pins = (PinEntry("spki_sha256", DIGEST), PinEntry("spki_sha256", "B" + DIGEST[1:]))
        hosts.put(world.actor("bob"), "acme", "shop", None, HostEntry(host, "report", pins))
        row = world.project.hosts.get(pattern=host)
    now = timezone.now().timestamp()
    chain = [
        {
            "subject": "CN=api",
            "issuer": "CN=authority",
            "names": [host],
            "not_before": int(now + (left - life) * DAY),
            "not_after": int(now + left * DAY),
            "digests": {"spki_sha256": DIGEST, "cert_sha256": cert},
        }
    ]
    Look.objects.filter(host=row).delete()
    Look.objects.create(host=row, name=f"{host}:443", address="192.0.2.1:443", validated=True, chain=chain)


def listed(world: World, name: str = "carol") -> list[warnings.Shown]:
    return warnings.listed(world.actor(name), "acme", "shop")


def mailed(world: World, now: datetime | None = None) -> list[str]:
    """Run the mail job; the addresses that got one."""
    mail.outbox.clear()
    warnings.mail_due(str(world.project.id), now)
    return [address for one in mail.outbox for address in one.to]


TOLD = ["ada@example.com", "alice@example.com", "bob@example.com", "paul@example.com"]


def test_a_certificate_that_ends_soon_is_shown_to_every_member(world: World) -> None:
    serve(world, 60)
    assert listed(world) == []
    serve(world, 10)
    (shown,) = listed(world)
    assert (shown.warning.kind, shown.warning.stage, shown.warning.subject) == (Kind.CERTIFICATE, Stage.SOON, HOST)
    assert (shown.acknowledged_at, shown.acknowledged_by) == (None, None)
    with pytest.raises(NotFound):
        listed(world, "mallory")


def test_a_published_document_that_nobody_renewed(world: World) -> None:
    serve(world, 60)
    paul = world.actor("paul")
    done = publishes.wait(paul, "acme", "shop", str(publishes.start(paul, "acme", "shop").id))
    assert done.state == "published"
    serve(world, 60)  # the guard looked, and nobody of that name answers here
    assert listed(world) == []
    in_three_weeks = timezone.now() + timedelta(days=21)
    (warning,) = (
        one for one in warnings.current(Project.objects.get(id=world.project.id), in_three_weeks) if not one.subject
    )
    assert (warning.kind, warning.stage) == (Kind.DOCUMENT, Stage.SOON)
    Project.objects.filter(id=world.project.id).update(state="withdrawn")
    assert warnings.current(Project.objects.get(id=world.project.id), in_three_weeks) == ()


def certificate(digest: str, **members: Any) -> dict[str, Any]:
    """One that lives for long, as a look keeps it."""
    now = int(timezone.now().timestamp())
    lives = {"not_before": now - DAY, "not_after": now + 300 * DAY}
    digests = {"spki_sha256": digest, "cert_sha256": "C" + digest[1:]}
    return {"subject": "CN=x", "issuer": "CN=y", "names": [], **lives, "digests": digests, **members}


OTHER = "D" + DIGEST[1:]
NAMED = f'"spki_sha256": "{DIGEST}"'


@pytest.mark.parametrize(
    ("pin", "chain", "fits"),
    [
        (PinEntry("spki_sha256", DIGEST), [certificate(DIGEST), certificate(OTHER)], True),
        (PinEntry("spki_sha256", DIGEST, "ca"), [certificate(OTHER), certificate(OTHER), certificate(DIGEST)], True),
        (PinEntry("spki_sha256", DIGEST, "any"), [certificate(OTHER), certificate(DIGEST)], True),
        (PinEntry("spki_sha256", DIGEST), [certificate(OTHER), certificate(DIGEST)], False),
        (PinEntry("spki_sha256", DIGEST, "ca"), [certificate(DIGEST), certificate(OTHER)], False),
        (PinEntry("cert_sha256", DIGEST), [certificate(DIGEST)], False),
        (PinEntry("spki_sha256", DIGEST, "leaf", 1, 2), [certificate(DIGEST)], False),
        (PinEntry("spki_sha256", DIGEST), [certificate(OTHER, names=[NAMED], subject=NAMED)], False),
        (PinEntry("spki_sha256", DIGEST), [certificate(OTHER, names=[DIGEST, '"digests": {' + NAMED])], False),
        # Both of the leaf and above it: said to fit by neither place alone, and read then.
        (PinEntry("spki_sha256", DIGEST, "ca"), [certificate(DIGEST), certificate(DIGEST)], True),
    ],
)
def test_what_was_well_is_told_without_reading_it_and_what_was_not_is_told(
    world: World, pin: PinEntry, chain: list[dict[str, Any]], fits: bool
) -> None:
    """A certificate's own texts may say anything, a pinned digest among it."""
    spare = PinEntry("spki_sha256", "E" + DIGEST[1:])
    hosts.put(world.actor("bob"), "acme", "shop", None, HostEntry(HOST, "report", (pin, spare)))
    asked = publishes.start(world.actor("paul"), "acme", "shop", publishes.Wish({"G4": "its window is over"}))
    assert publishes.wait(world.actor("paul"), "acme", "shop", str(asked.id)).state == "published"
    Look.objects.create(
        host=world.project.hosts.get(), name=f"{HOST}:443", address="192.0.2.1", validated=True, chain=chain,
        not_after=chain[0]["not_after"],
    )  # fmt: skip
    kinds = [one.warning.kind for one in listed(world)]
    assert (Kind.MISMATCH in kinds) is not fits


def test_taking_note_holds_for_one_stage_and_can_be_taken_back(world: World) -> None:
    serve(world, 10)
    (shown,) = listed(world)
    noted = warnings.acknowledge(world.actor("bob"), "acme", "shop", shown.warning.id)
    assert noted.acknowledged_by == world.accounts["bob"]
    again = warnings.acknowledge(world.actor("paul"), "acme", "shop", shown.warning.id)
    assert again.acknowledged_by == world.accounts["bob"], "who was first took note of it"
    assert [one.acknowledged_by for one in listed(world)] == [world.accounts["bob"]]
    warnings.take_back(world.actor("paul"), "acme", "shop", shown.warning.id)
    assert listed(world)[0].acknowledged_at is None
    entries = AuditEntry.objects.filter(organization=world.organization).order_by("-number")[:2]
    assert [one.what for one in entries] == ["acknowledgement taken back", "warning acknowledged"]
    warnings.acknowledge(world.actor("bob"), "acme", "shop", shown.warning.id)
    serve(world, 2)
    (urgent,) = listed(world)
    assert (urgent.warning.stage, urgent.acknowledged_at) == (Stage.URGENT, None)
    with pytest.raises(NotFound):
        warnings.acknowledge(world.actor("bob"), "acme", "shop", shown.warning.id)


def test_what_was_acknowledged_stands_last(world: World) -> None:
    serve(world, 2, host="a.example.com")
    serve(world, 10, host="b.example.com")
    first = listed(world)[0].warning
    assert first.subject == "a.example.com"
    warnings.acknowledge(world.actor("bob"), "acme", "shop", first.id)
    assert [one.warning.subject for one in listed(world)] == ["b.example.com", "a.example.com"]


def test_who_may_not_stage_takes_note_of_nothing(world: World) -> None:
    serve(world, 10)
    warning = listed(world)[0].warning.id
    for name, error in (("carol", Forbidden), ("mallory", NotFound)):
        with pytest.raises(error):
            warnings.acknowledge(world.actor(name), "acme", "shop", warning)


def test_each_stage_is_mailed_once_to_those_who_can_do_something(world: World) -> None:
    serve(world, 10)
    assert mailed(world) == TOLD
    message = mail.outbox[0]
    assert message.subject == "[Livepin] acme/shop: 1 warning"
    assert "api.example.com:443 serves a certificate that ends in " in message.body
    assert mailed(world) == []
    assert mailed(world, timezone.now() + timedelta(days=1)) == [], "the same stage on another day"
    serve(world, 2)
    assert mailed(world) == TOLD


def test_what_is_not_pressing_waits_for_the_next_day(world: World) -> None:
    serve(world, 10, host="a.example.com")
    assert mailed(world) == TOLD
    serve(world, 10, host="b.example.com")
    assert mailed(world) == []
    serve(world, 1, host="c.example.com")
    assert mailed(world) == TOLD, "what is pressing does not wait, and takes the other with it"
    assert mail.outbox[0].subject == "[Livepin] acme/shop: 2 warnings"
    serve(world, 10, host="d.example.com")
    assert mailed(world, timezone.now() + timedelta(hours=19)) == []
    assert mailed(world, timezone.now() + timedelta(hours=21)) == TOLD


def test_what_was_acknowledged_is_not_mailed(world: World) -> None:
    serve(world, 10)
    warnings.acknowledge(world.actor("bob"), "acme", "shop", listed(world)[0].warning.id)
    assert mailed(world) == []


def test_who_comes_later_is_told_too_and_who_left_is_not(world: World) -> None:
    serve(world, 10)
    mailed(world)
    Membership.objects.filter(account=world.accounts["carol"]).update(role="editor")
    assert mailed(world) == ["carol@example.com"]
    Membership.objects.filter(account=world.accounts["bob"]).delete()
    Account.objects.filter(email="ada@example.com").update(is_active=False)
    serve(world, 1)
    assert mailed(world) == ["alice@example.com", "carol@example.com", "paul@example.com"]


def test_a_mail_server_that_refuses_one_address_holds_up_nobody_else(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(world, 10)
    real = mail.EmailMessage.send

    def refuse(message: Any, fail_silently: bool = False) -> int:
        if message.to == ["alice@example.com"]:
            raise ConnectionRefusedError("no")
        return int(real(message, fail_silently))

    with monkeypatch.context() as patched:
        patched.setattr(mail.EmailMessage, "send", refuse)
        with pytest.raises(OSError, match="no"):
            mailed(world)
        assert [one.to for one in mail.outbox] == [[one] for one in TOLD if not one.startswith("alice")]
    assert mailed(world) == ["alice@example.com"], "and it is tried again"


def test_a_mail_that_a_dead_worker_claimed_is_sent_by_another(world: World) -> None:
    serve(world, 10)
    warning, now = listed(world)[0].warning.id, timezone.now()
    Notice.objects.create(project=world.project, account=world.accounts["bob"], warning=warning, claimed_at=now)
    assert mailed(world) == [one for one in TOLD if not one.startswith("bob")]
    assert mailed(world, now + timedelta(minutes=11)) == ["bob@example.com"]


def test_the_job_mails_and_forgets_after_years(world: World) -> None:
    serve(world, 10)
    expected = sorted(f"warn {one}" for one in Project.objects.values_list("id", flat=True))
    mail.outbox.clear()
    tasks.TASKS["warnings"]()
    if not CONFIG.on_postgres:
        assert sorted(Job.objects.filter(task="warn").values_list("name", flat=True)) == expected
    tasks.TASKS["warn"](str(world.project.id))
    assert sorted(one.to[0] for one in mail.outbox) == TOLD
    assert Notice.objects.exclude(sent_at=None).count() == len(TOLD)
    tasks.TASKS["tidy"]()
    assert Notice.objects.count() == len(TOLD)
    Notice.objects.update(claimed_at=timezone.now() - warnings.KEEP_NOTICES - timedelta(days=1))
    tasks.TASKS["tidy"]()
    assert not Notice.objects.exists()


def test_a_mail_names_the_page_and_the_way_to_get_fewer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    before = CONFIG.public_url
    object.__setattr__(CONFIG, "public_url", "https://livepin.example.com")
    try:
        serve(world, 10)
        mailed(world)
    finally:
        object.__setattr__(CONFIG, "public_url", before)
    sent = mail.outbox[0]
    assert "https://livepin.example.com/o/acme/p/shop/warnings/\n" in sent.body
    assert str(sent.body).endswith("https://livepin.example.com/o/acme/mail/")
    assert sent.extra_headers["List-Unsubscribe"] == "<https://livepin.example.com/o/acme/mail/>"
    assert [resolve(one).view_name for one in ("/o/acme/p/shop/warnings/", "/o/acme/mail/")] == ["warnings", "mail"]


def test_a_member_chooses_which_warnings_come_by_mail_in_each_organization(world: World) -> None:
    memberships.choose_mail(world.actor("bob"), "acme", "pressing")
    memberships.choose_mail(world.actor("paul"), "acme", "none")
    serve(world, 10)
    assert mailed(world) == ["ada@example.com", "alice@example.com"]
    serve(world, 1)
    assert mailed(world) == ["ada@example.com", "alice@example.com", "bob@example.com"]
    memberships.choose_mail(world.actor("paul"), "acme", "all")
    assert mailed(world) == ["paul@example.com"], "and whoever wants them again is told what holds"
    with pytest.raises(ValueInvalid, match="none of all, pressing, none"):
        memberships.choose_mail(world.actor("paul"), "acme", "some")
    with pytest.raises(NotFound):
        memberships.choose_mail(world.actor("mallory"), "acme", "none")


def test_an_owner_goes_without_any_only_knowingly(world: World) -> None:
    serve(world, 1)
    with pytest.raises(ValueInvalid) as refused:
        memberships.choose_mail(world.actor("alice"), "acme", "none")
    assert refused.value.where == "knowingly"
    assert "alice@example.com" in mailed(world)
    memberships.choose_mail(world.actor("alice"), "acme", "none", knowingly=True)
    entry = AuditEntry.objects.filter(organization=world.organization).order_by("-number")[0]
    assert (entry.what, entry.detail) == ("warning mail chosen", {"mail": "none"})
    serve(world, 1, host="b.example.com")
    assert "alice@example.com" not in mailed(world)
    # Who becomes an owner chose it as somebody else.
    memberships.choose_mail(world.actor("paul"), "acme", "none")
    memberships.change_role(world.actor("alice"), "acme", str(world.accounts["paul"].id), "owner")
    assert memberships.mine(world.actor("paul"), "acme").mail == "pressing"
    serve(world, 1, host="c.example.com")
    assert "paul@example.com" in mailed(world)


def test_a_mail_about_very_much_stays_short(world: World) -> None:
    serve(world, 10)
    one = listed(world)[0].warning
    text = warnings.text_of("acme", "shop", [one] * 70)
    assert text.count("* SOON") == 50
    assert "… and 20 more." in text


@pytest.mark.django_db(transaction=True)
def test_workers_that_mail_at_once_send_each_mail_once() -> None:
    rates.forget()
    world = World.make()
    serve(world, 10)
    mail.outbox.clear()
    start, faults = threading.Barrier(4), []

    def work() -> None:
        try:
            start.wait()
            warnings.mail_due(str(world.project.id))
        except Exception as fault:
            faults.append(fault)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert faults == []
    assert sorted(one.to[0] for one in mail.outbox) == TOLD
