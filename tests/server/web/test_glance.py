"""What somebody sees at a glance: of an organization, of a project, of a host."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from livepin.author.draft import HostEntry, PinEntry
from livepin.core.document import Document
from livepin.server.actions import checks, delivery, drafts, hosts, looks, publishes, revisions, warnings, withdrawals
from livepin.server.models import Look, Project, Publish
from livepin.server.settings import CONFIG
from livepin.server.web.words import distance, marked, urgency
from livepin.testing import TlsServer
from livepin.testing.cast import Cast
from livepin.watch.sights import sights_of_host
from tests.server.test_drafts import DIGESTS, host
from tests.server.web.test_hosts import visit
from tests.server.world import World

HOME = "/o/acme/p/shop/"


def stage(world: World, entry: HostEntry) -> None:
    hosts.put(world.actor("bob"), "acme", "shop", None, entry)


def publish(world: World) -> None:
    """Publish what is staged; nothing of it is looked at, because it only reports."""
    asked = publishes.start(world.actor("paul"), "acme", "shop")
    assert publishes.wait(world.actor("paul"), "acme", "shop", str(asked.id)).state == "published"


def page(world: World, path: str = HOME, name: str = "carol") -> str:
    answer = visit(world, name).get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_new_project_says_what_is_next(world: World) -> None:
    shown = page(world)
    assert "Add a host" in shown
    assert "Nothing is published yet" in shown
    stage(world, HostEntry("api.example.com", "report", None, deny=(DIGESTS[0],)))
    assert "Check the draft and publish it" in page(world)


def test_a_project_shows_what_is_live_what_is_staged_and_what_ends(world: World) -> None:
    window = PinEntry("spki_sha256", DIGESTS[0], "leaf", None, int(timezone.now().timestamp()) + 40 * 86_400)
    stage(world, HostEntry("api.example.com", "report", (window,)))
    publish(world)
    shown = page(world)
    assert "serves 0.1" in shown
    assert "is what is live" in shown
    assert shown.index("document serial 1") < shown.index(f"pin spki_sha256 {DIGESTS[0][:12]}")
    stage(world, HostEntry("b.example.com", "off", None, deny=(DIGESTS[0],)))
    assert "was changed since it was published" in page(world)


def test_a_project_shows_what_applications_embed(world: World) -> None:
    Project.objects.filter(id=world.project.id).update(url="https://pins.example.com/")
    shown = page(world)
    anchor = Project.objects.get(id=world.project.id).anchors[0]
    assert shown.count(anchor) == 2
    assert "livepin.setup(" in shown
    assert "configuration_url=&quot;https://pins.example.com/&quot;" in shown


def test_where_the_operator_keeps_documents_is_no_business_of_tenants(world: World) -> None:
    stage(world, host("api.example.com", *DIGESTS[:2]))
    hosts.put(world.actor("bob"), "acme", "shop", None, HostEntry("api.example.com", "report", host().pins))
    publish(world)
    assert str(CONFIG.origin_folder) not in page(world)


def test_a_project_remembers_what_the_guard_said_until_the_draft_changes(world: World) -> None:
    stage(world, HostEntry("api.example.com", "report", None, when_expired="allow", deny=(DIGESTS[0],)))
    assert "was not asked" in page(world)
    checks.preview(world.actor("bob"), "acme", "shop")
    shown = page(world)
    assert "1 rule broken" in shown
    assert "G7" in shown
    stage(world, HostEntry("b.example.com", "report", None, deny=(DIGESTS[0],)))
    assert "was not asked" in page(world)


def test_a_broken_rule_is_explained_with_the_way_out(world: World) -> None:
    stage(world, HostEntry("api.example.com", "report", None, when_expired="allow", deny=(DIGESTS[0],)))
    shown = visit(world, "bob").post(f"{HOME}draft/").content.decode()
    assert "Rule: a host that lets failures through after expiry says why." in shown
    assert "Say why in <code>reason</code>" in shown
    assert f'href="{HOME}hosts/api.example.com/"' in shown
    asked = publishes.start(world.actor("paul"), "acme", "shop")
    publishes.wait(world.actor("paul"), "acme", "shop", str(asked.id))
    refused = page(world, f"{HOME}publishes/{asked.id}/")
    assert "The guard refuses it, and nothing was signed" in refused
    assert "says why" in refused


def test_an_organization_lists_its_projects_in_few_queries(world: World) -> None:
    stage(world, HostEntry("api.example.com", "report", None, deny=(DIGESTS[0],)))
    publish(world)
    Look.objects.create(
        host=world.project.hosts.get(), name="api.example.com:443", address="192.0.2.1",
        not_after=int((timezone.now() + timedelta(days=3)).timestamp()),
    )  # fmt: skip
    carol = visit(world, "carol")
    carol.get("/o/acme/")  # the first visit makes a session
    with CaptureQueriesContext(connection) as caught:
        shown = carol.get("/o/acme/").content.decode()
    assert len(caught) < 12
    assert "0.1" in shown
    assert "in 29 days" in shown
    assert "in 2 days" in shown


def test_an_organization_sees_how_much_of_its_plan_is_used(world: World) -> None:
    world.organization.projects_limit = 1
    world.organization.save(update_fields=["projects_limit"])
    stage(world, host())
    shown = page(world, "/o/acme/settings/")
    assert "<dt>Projects</dt><dd>1 of 1" in shown
    assert "no more" in shown
    assert "<dt>Hosts</dt><dd>1, without a limit" in shown


def test_a_host_shows_what_it_serves_and_which_key_is_pinned(world: World) -> None:
    cast = Cast()
    Project.objects.filter(id=world.project.id).update(ca_pem=cast.authority.root_pem)
    with TlsServer(cast.genuine) as server:
        pins = (PinEntry("spki_sha256", cast.genuine.spki_sha256, "leaf"),)
        stage(world, HostEntry("localhost", "enforce", pins, look_at=(f"localhost:{server.port}",)))
        assert "Not looked at yet" in page(world, f"{HOME}hosts/localhost/")
        assert visit(world, "bob").post(f"{HOME}hosts/localhost/look/").status_code == 302
    shown = page(world, f"{HOME}hosts/localhost/")
    assert "trusted" in shown
    assert shown.count(">pinned<") == len(looks.listed(world.actor("bob"), "acme", "shop", "localhost")) > 0


def test_what_the_guard_saw_is_what_the_pages_show(world: World) -> None:
    cast = Cast()
    Project.objects.filter(id=world.project.id).update(ca_pem=cast.authority.root_pem)
    with TlsServer(cast.genuine) as server:
        pins = tuple(PinEntry("spki_sha256", one.spki_sha256, "leaf") for one in (cast.genuine, cast.backup))
        stage(world, HostEntry("localhost", "enforce", pins, look_at=(f"localhost:{server.port}",)))
        checks.preview(world.actor("bob"), "acme", "shop")
        assert ">pinned<" in page(world, f"{HOME}hosts/localhost/")
        assert ">pins match<" in page(world, f"{HOME}hosts/")
    seen = Look.objects.count()
    assert seen > 0
    # For ten thousand hosts there may be no time: what was seen before says more than that.
    [sight] = sights_of_host(drafts.draft_of(world.project), "localhost")
    missed = looks._nothing(sight, looks._NO_TIME)
    assert looks.keep(Project.objects.get(id=world.project.id), [(sight, missed)]) == 0
    assert ">pinned<" in page(world, f"{HOME}hosts/localhost/")


def test_a_rare_setting_is_folded_away_until_it_is_used(world: World) -> None:
    stage(world, HostEntry("a.example.com", "enforce", host().pins))
    stage(world, HostEntry("b.example.com", "enforce", host().pins, ct={"action": "enforce", "policy": "any"}))
    assert page(world, f"{HOME}hosts/a.example.com/").count('class="group" open') == 1
    assert page(world, f"{HOME}hosts/b.example.com/").count('class="group" open') == 2


@pytest.mark.parametrize(
    ("life", "left", "how"),
    [(6, 3, "good"), (6, 1, "warn"), (6, 0.5, "bad"), (47, 20, "good"), (47, 11, "warn"), (398, 31, "good"),
     (398, 20, "warn"), (398, 3, "bad"), (30, -1, "bad")],
)  # fmt: skip
def test_what_ends_soon_depends_on_how_long_it_lives(life: float, left: float, how: str) -> None:
    now = timezone.now().timestamp()
    assert urgency(int(now + left * 86_400), int(now + (left - life) * 86_400)) == how


def test_what_stands_in_backquotes_is_code_and_nothing_else_is() -> None:
    assert marked("Run `livepin <x>` & <b>look</b>") == (
        "Run <code>livepin &lt;x&gt;</code> &amp; &lt;b&gt;look&lt;/b&gt;"
    )


def test_a_warning_is_shown_with_the_way_out_and_noted_with_one_click(world: World) -> None:
    stage(world, HostEntry("api.example.com", "report", None, deny=(DIGESTS[0],)))
    publish(world)
    Look.objects.all().delete()  # the guard's
    Look.objects.create(
        host=world.project.hosts.get(), name="api.example.com:443", address="-", problem="connection refused"
    )
    shown = page(world, name="bob")
    (warning,) = warnings.listed(world.actor("bob"), "acme", "shop")
    assert warning.warning.message in html.unescape(shown)
    assert f'href="{HOME}hosts/api.example.com/"' in shown
    assert "1 warning<" in shown
    assert ">Acknowledge<" in shown
    answer = f"{HOME}warnings/{warning.warning.id}/"
    assert visit(world, "carol").post(answer).status_code == 403
    assert visit(world, "bob").post(answer).headers["Location"] == f"{HOME}warnings/"
    assert warning.warning.message not in html.unescape(page(world))
    assert "by bob@example.com" in page(world, f"{HOME}warnings/")
    visit(world, "bob").post(answer, {"take-back": "1"})
    assert warning.warning.message in html.unescape(page(world))
    hosts.remove(world.actor("bob"), "acme", "shop", None, "api.example.com")
    assert f"{HOME}hosts/?like=api.example.com" not in page(world)  # its looks went with it, and so did the warning


def test_what_somebody_may_not_do_is_not_offered(world: World) -> None:
    stage(world, HostEntry("api.example.com", "report", None, deny=(DIGESTS[0],)))
    publish(world)
    stage(world, host("b.example.com"))
    offers = {
        f"{HOME}": (">Check the draft now<", "bob"),
        f"{HOME}hosts/": (">Add a host<", "bob"),
        f"{HOME}hosts/b.example.com/": (">Stage this policy<", "bob"),
        f"{HOME}draft/": (">Check it against what is live<", "bob"),
        f"{HOME}draft/settings/": (">Stage these settings<", "bob"),
        f"{HOME}settings/": (">Change<", "ada"),
        f"{HOME}keys/": (">Add a key<", "ada"),
        "/o/acme/": (">Audit<", "ada"),
        "/o/acme/settings/": (">Rename<", "ada"),
    }
    for path, (offer, able) in offers.items():
        assert (path, offer in page(world, path, able), offer in page(world, path)) == (path, True, False)
    assert "takes the role of an editor" in page(world, f"{HOME}hosts/b.example.com/")
    checked = visit(world, "bob").post(f"{HOME}draft/").content.decode()
    assert ">Sign and publish<" not in checked


def test_every_page_of_a_project_says_whether_something_is_staged(world: World) -> None:
    stage(world, HostEntry("api.example.com", "report", None, deny=(DIGESTS[0],)))
    publish(world)
    assert "(changes are staged)" not in page(world, f"{HOME}history/")
    stage(world, host("b.example.com"))
    assert "(changes are staged)" in page(world, f"{HOME}history/")
    assert "See what publishing would change" in page(world, f"{HOME}hosts/")


@pytest.mark.parametrize(
    ("digest", "validated", "problem", "chain", "said"),
    [(DIGESTS[0], True, "", True, "pins match"), (DIGESTS[2], True, "", True, "no pin matches"),
     (DIGESTS[0], False, "expired", True, "not trusted"), ("", False, "connection refused", False, "not reached")],
)  # fmt: skip
def test_the_list_of_hosts_says_which_are_unwell(
    world: World, digest: str, validated: bool, problem: str, chain: bool, said: str
) -> None:
    stage(world, host("api.example.com", *DIGESTS[:2]))
    assert "not looked at yet" in page(world, f"{HOME}hosts/")
    ends = int(timezone.now().timestamp()) + 20 * 86_400
    Look.objects.create(
        host=world.project.hosts.get(), name="api.example.com:443", address="192.0.2.1", validated=validated,
        problem=problem, not_after=ends if chain else None, chain=[leaf(ends, digest)] if chain else [],
    )  # fmt: skip
    shown = page(world, f"{HOME}hosts/")
    assert f">{said}<" in shown
    assert (">in 19 days<" in shown) is chain
    assert ("1 unwell" in page(world, "/o/acme/")) is bool(problem)
    assert (">no pin matches<" in page(world, f"{HOME}hosts/api.example.com/")) is (said == "no pin matches")


def test_a_publish_that_failed_is_seen_from_everywhere_with_its_reason(world: World) -> None:
    stage(world, HostEntry("api.example.com", "report", None, deny=(DIGESTS[0],)))
    asked = publishes.start(world.actor("paul"), "acme", "shop")
    problem = {"code": "origin_failed", "message": "the origin does not answer", "hint": "Try again."}
    Publish.objects.filter(id=asked.id).update(state="failed", problem=problem)
    for path in ("/", "/o/acme/"):
        assert "1 publish failed" in page(world, path)
    shown = page(world)
    assert "The origin does not answer." in shown
    assert f"{HOME}publishes/{asked.id}/" in shown
    assert ">Try again<" in page(world, f"{HOME}publishes/{asked.id}/", "paul")
    # Something newer is published: nobody is called for what is overtaken.
    Publish.objects.filter(id=asked.id).update(problem=problem | {"code": "superseded"})
    for path in ("/", "/o/acme/", HOME):
        assert "failed" not in page(world, path)
    assert ">Try again<" not in page(world, f"{HOME}publishes/{asked.id}/", "paul")


def test_a_withdrawn_project_says_so_and_offers_nothing_to_publish(world: World) -> None:
    stage(world, HostEntry("api.example.com", "report", None, deny=(DIGESTS[0],)))
    publish(world)
    withdrawals.withdraw(world.actor("ada"), "acme", "shop", "a key was stolen")
    withdrawals.remove_objects(str(world.project.id))
    shown = page(world)
    assert "This project is withdrawn." in shown
    assert "serves nothing any more" in shown
    assert "unwell" not in shown
    assert "Check it against what is live" not in page(world, f"{HOME}draft/", "bob")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(47 * 86_400 + 60, "in 47 days"), (47 * 3_600 + 60, "in 47 hours"), (-130, "2 minutes ago"),
     (150 * 86_400 + 60, "in 5 months"), (800 * 86_400, "in 2 years")],
)  # fmt: skip
def test_a_distance_is_as_exact_as_it_has_to_be(seconds: int, said: str) -> None:
    assert distance(int(timezone.now().timestamp()) + seconds + 1) == said


@pytest.mark.slow
def test_pages_of_a_project_with_ten_thousand_hosts_take_few_queries_and_show_a_part(world: World) -> None:
    pins = (PinEntry("spki_sha256", DIGESTS[0], "leaf"), PinEntry("spki_sha256", DIGESTS[1], "leaf"))
    drafts.write_hosts(world.project, [HostEntry(f"h{one:05}.example.com", "report", pins) for one in range(10_000)])
    asked = publishes.start(world.actor("paul"), "acme", "shop")
    # Nobody looks at ten thousand hosts for this.
    Publish.objects.filter(id=asked.id).update(state="waiting", checked_at=timezone.now())
    delivery.run(str(asked.id))
    ends = int(timezone.now().timestamp()) + 100 * 86_400
    looked = [
        Look(
            host=one, name=f"{one.pattern}:443", address="192.0.2.1", validated=True, not_after=ends, chain=[leaf(ends)]
        )
        for one in world.project.hosts.all()
    ]
    Look.objects.bulk_create(looked, batch_size=500)
    carol = visit(world, "carol")
    carol.get("/o/acme/")  # the first visit makes a session
    asks = {}
    for path in ("/o/acme/", HOME, f"{HOME}hosts/", f"{HOME}hosts/h00042.example.com/", f"{HOME}history/",
                 f"{HOME}history/0.1/", f"{HOME}publishes/", f"{HOME}keys/", f"{HOME}embed/", f"{HOME}draft/",
                 f"{HOME}draft/settings/", f"{HOME}warnings/"):  # fmt: skip
        with CaptureQueriesContext(connection) as caught:
            shown = carol.get(path).content
        asks[path] = len(caught)
        assert len(shown) < 600_000, path
    assert {path: many for path, many in asks.items() if many >= 15} == {}


def test_what_is_published_is_parsed_once_and_then_no_more_until_it_changes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(world, HostEntry("api.example.com", "report", host().pins))
    publish(world)
    parsed: list[int] = []
    parse = Document.parse.__func__  # type: ignore[attr-defined]

    def counted(kind: type[Document], payload: bytes) -> Document:
        document: Document = parse(kind, payload)
        parsed.append(document.serial)
        return document

    monkeypatch.setattr(Document, "parse", classmethod(counted))
    revisions._verified.cache_clear()
    page(world)
    assert parsed == [1], "the page, its warnings, its picture and its origins"
    for path in ("", "warnings/", "draft/", "hosts/"):
        page(world, HOME + path)
    assert parsed == [1]
    stage(world, HostEntry("b.example.com", "report", host().pins))
    publish(world)
    parsed.clear()
    page(world)
    page(world, f"{HOME}warnings/")
    assert parsed in ([2], []), "whoever published may have read it before"
    assert "0.2, expires" in page(world)


def test_an_origin_that_has_something_else_is_not_taken_for_what_is_known(world: World) -> None:
    stage(world, HostEntry("api.example.com", "report", host().pins))
    publish(world)
    assert "serves 0.1" in page(world)
    pointer = CONFIG.origin_folder / "acme" / "shop" / "pins.jws"
    pointer.write_bytes(pointer.read_bytes()[:-4] + b"AAAA")
    assert "there is no document" in page(world)


def leaf(ends: int, spki_sha256: str = DIGESTS[0]) -> dict[str, Any]:
    """A certificate as a look keeps it."""
    digests = {"spki_sha256": spki_sha256, "spki_sha512": "", "cert_sha256": "", "cert_sha512": ""}
    start = ends - 398 * 86_400
    return {
        "subject": "CN=x",
        "issuer": "CN=y",
        "names": [],
        "not_before": start,
        "not_after": ends,
        "digests": digests,
    }
