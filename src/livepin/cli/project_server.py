"""A project on a server: its draft is changed there, and its documents are signed and published from there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from livepin.author import ct_json, draft_json, staging
from livepin.author.ct_logs import LogTable
from livepin.author.draft import Draft, HostEntry, PinEntry
from livepin.author.staging import Change
from livepin.cli import server_ends, server_publish
from livepin.cli.api import Api, Reply, part
from livepin.cli.output import Output
from livepin.cli.project import Comparison, Ending, Seen, Told, Wishes, nothing_valid
from livepin.core.guard import Rule, Settlement
from livepin.core.jws import PublicKey
from livepin.core.trust import Revision, Trust, verify_held
from livepin.errors import NotFound, ProjectInvalid, ServerFailed
from livepin.watch.describe import Description

#: The server looks at every host before it answers.
PATIENCE = 150.0


class ServerProject:
    """An `OpenProject` on a server. `directory`: where files of this machine are made."""

    def __init__(self, api: Api, organization: str, project: str, directory: Path) -> None:
        self.api = api
        self.organization, self.project = organization, project
        self.path = f"/organizations/{part(organization)}/projects/{part(project)}"
        self._directory = directory
        self._draft: Draft | None = None
        self._version = ""
        self._logs: LogTable | None = None
        self._changes: dict[tuple[str, str], tuple[Any, dict[str, str]]] = {}

    @property
    def name(self) -> str:
        """For people: which project of which server."""
        return f"{self.organization}/{self.project} on {self.api.url}"

    @property
    def patient(self) -> Api:
        """The API, for what the server looks at the network for."""
        return replace(self.api, timeout=PATIENCE)

    @property
    def directory(self) -> Path:
        """As it was given."""
        return self._directory

    @property
    def on_server(self) -> bool:
        """It is."""
        return True

    @property
    def log_table(self) -> LogTable | None:
        """The operator's; None where there is none."""
        if self._logs is None:
            self._logs = ct_json.table_of(self.api.get("/ct-logs").members)
        return self._logs if self._logs.reviews or self._logs.logs else None

    @property
    def trust(self) -> Trust:
        """The anchors, as the server says them."""
        said = self.api.get(f"{self.path}/keyset").members
        anchors = tuple(PublicKey.from_text(text) for text in said["anchors"])
        return Trust(self.organization, self.project, anchors, int(said["threshold"]))

    @property
    def url(self) -> str:
        """As the server tells applications."""
        return str(self.settings()["configuration_url"])

    def settings(self) -> dict[str, Any]:
        """The project without its draft."""
        return self.api.get(self.path).members

    # ------------------------------------------------------------ the draft

    def draft(self) -> Draft:
        """Read once; then with the changes so far."""
        if self._draft is None:
            reply = self.api.get(f"{self.path}/draft")
            self._draft, self._version = draft_json.draft_of(reply.members), reply.version
        return self._draft

    @property
    def version(self) -> str:
        """The version of the draft that was read, as `If-Match` takes it."""
        self.draft()
        return self._version

    def set_host(self, pattern: str, members: Mapping[str, Any]) -> bool:
        """The whole policy is put there."""
        before = self.draft().host(pattern)
        policy = draft_json.host_members(before or HostEntry(pattern, "enforce"))
        self._put(draft_json.host_entry({**policy, **members}, pattern))
        return before is None

    def remove_host(self, pattern: str) -> None:
        """With its pins."""
        self._need(pattern)
        self._keep(entry for entry in self.draft().hosts if entry.host != pattern)
        self._change("DELETE", f"/hosts/{part(pattern)}")

    def add_pins(self, pattern: str, pins: Iterable[PinEntry]) -> list[PinEntry]:
        """Those that are not there yet."""
        entry = self._need(pattern)
        known = {(one.digest, one.position) for one in entry.pins or ()}
        added = [one for one in pins if (one.digest, one.position) not in known]
        if added:
            self._replace(replace(entry, pins=(*(entry.pins or ()), *added)))
            self._change("POST", f"/hosts/{part(pattern)}/pins", {"pins": list(map(draft_json.pin_members, added))})
        return added

    def remove_pin(self, pattern: str, digest_prefix: str) -> str:
        """By its whole digest, once it is known."""
        entry = self._need(pattern)
        found = [one.digest for one in entry.pins or () if one.digest.startswith(digest_prefix)]
        if len(found) != 1:
            what = "no pin" if not found else f"{len(found)} pins"
            message = f"{what} of {pattern} has a digest that starts with {digest_prefix!r}"
            raise ProjectInvalid("entry_missing", message, where=self.name)
        self._replace(replace(entry, pins=tuple(one for one in entry.pins or () if one.digest != found[0])))
        self._change("DELETE", f"/hosts/{part(pattern)}/pins", query={"digest": found[0]})
        return found[0]

    def change_deny(self, pattern: str | None, *, add: Iterable[str] = (), remove: str = "") -> bool:
        """Of a host: its whole policy is put there; of the document: its settings are changed."""
        entry = None if pattern is None else self._need(pattern)
        before = self.draft().deny if entry is None else entry.deny
        if remove and remove not in before:
            raise ProjectInvalid("entry_missing", f"{remove} is not denied there", where=self.name)
        left = [one for one in before if one != remove]
        after = (*left, *(one for one in dict.fromkeys(add) if one not in before))
        if after == tuple(before):
            return False
        if entry is not None:
            self._put(replace(entry, deny=after))
        else:
            self._draft = replace(self.draft(), deny=after)
            self._change("PATCH", "", {"deny": list(after)})
        return True

    def save(self) -> None:
        """Raises `Conflict` (`draft_changed`) where somebody else changed the draft since it was read."""
        for (method, path), (body, query) in self._changes.items():
            reply = self.api.ask(method, f"{self.path}/draft{path}", body, if_match=self._version, query=query)
            self._version = reply.version or self._version
        self._changes.clear()

    def _need(self, pattern: str) -> HostEntry:
        entry = self.draft().host(pattern)
        if entry is None:
            hint = f"`livepin host set {pattern}` adds it."
            raise ProjectInvalid("entry_missing", f"the project has no host {pattern}", where=self.name, hint=hint)
        return entry

    def _put(self, entry: HostEntry) -> None:
        policy = {name: value for name, value in draft_json.host_members(entry).items() if name != "host"}
        self._replace(entry)
        self._change("PUT", f"/hosts/{part(entry.host)}", policy)

    def _replace(self, entry: HostEntry) -> None:
        known = self.draft().host(entry.host) is not None
        hosts = self.draft().hosts
        self._keep((entry if one.host == entry.host else one for one in hosts) if known else (*hosts, entry))

    def _keep(self, hosts: Iterable[HostEntry]) -> None:
        self._draft = replace(self.draft(), hosts=tuple(hosts))

    def _change(self, method: str, path: str, body: Any = None, query: dict[str, str] | None = None) -> None:
        # What is put twice counts once, as it was put last.
        self._changes[method, path] = body, query or {}

    # ------------------------------------------------------------ looking

    def look(self, patterns: Iterable[str], timeout: float, told: Told) -> Iterator[Seen]:
        """From the server, which the guard there will do as well."""
        for pattern in patterns:
            told(f"{self.api.url} looks at {pattern}")
            found = list(_seen(pattern, self.patient.ask("POST", f"{self.path}/draft/hosts/{part(pattern)}/looks")))
            if not found:
                message = "a wildcard can be looked at only where the project names a host below it"
                hint = f"`livepin host set '{pattern}' --look-at HOST`"
                raise ProjectInvalid("usage", message, where=pattern, hint=hint)
            yield from found

    def discover(self, place: str) -> Iterator[Seen]:
        """What the server sees at HOST[:PORT], pinned or not."""
        reply = self.patient.ask("POST", f"{self.path}/looks", {"place": place})
        for seen in reply.members["items"]:
            chain = tuple(_description(one["certificate"]) for one in seen["chain"])
            yield Seen(place, str(seen["address"]), chain, "" if seen["validated"] else str(seen["problem"]))

    def last_seen(self, patterns: Iterable[str], timeout: float, told: Told) -> Iterator[Seen]:
        """What the server saw when it looked last."""
        for pattern in patterns:
            try:
                yield from _seen(pattern, self.api.get(f"{self.path}/draft/hosts/{part(pattern)}/looks"))
            except NotFound:
                continue  # published, and no longer in the draft

    def proven_logs(self, pattern: str, known: LogTable, timeout: float, told: Told) -> list[str]:
        """From the server, by the operator's table; the host need not be in its draft yet."""
        told(f"{self.api.url} looks at {pattern}")
        entry = self._need(pattern)
        asked = {"host": pattern, "look_at": list(entry.look_at), "address": entry.address}
        seen = self.patient.ask("POST", f"{self.path}/scts", asked).members["items"]
        if not [one for one in seen if not one["problem"]]:
            raise nothing_valid(pattern, (str(one["problem"]) for one in seen))
        return [str(sct["log_id"]) for one in seen for sct in one["scts"] if sct["counts"] and "log_id" in sct]

    # ------------------------------------------------------------ publishing

    def compare(self) -> Comparison:
        """As the server sees it."""
        changes = tuple(changes_of(self.api.get(f"{self.path}/draft/diff").members["changes"]))
        latest = self.latest()
        return Comparison(None if latest is None else f"{latest['epoch']}.{latest['serial']}", changes)

    def check(self, overrides: Mapping[Rule, str], timeout: float, out: Output) -> Settlement:
        """From the server."""
        out.progress(f"{self.api.url} looks at every host")
        return server_publish.settlement_of(self.preview(overrides)["findings"])

    def preview(self, overrides: Mapping[Rule, str]) -> dict[str, Any]:
        """What the server says to the draft: findings and changes."""
        body = {"overrides": {str(rule): reason for rule, reason in overrides.items()}}
        return self.patient.ask("POST", f"{self.path}/draft/check", body).members

    def publish(self, out: Output, wishes: Wishes) -> int:
        """The server checks, signs (or has it signed here, with one's own key) and delivers."""
        if wishes.dry_run:
            preview = self.preview(dict(wishes.overrides))
            return server_publish.tell_preview(out, self.name, preview, changes_of(preview["changes"]))
        return server_publish.run(out, self, wishes, self.order())

    def order(self) -> server_publish.Order:
        """A publish of the draft as it was read here."""
        draft = self.draft()
        return server_publish.Order(f"{self.path}/publishes", lambda: staging.payload_of(draft, 1, 0), self.version)

    def rollback(self, out: Output, wishes: Wishes, epoch: int | None, serial: int) -> int:
        """The same with what the server has of an older revision. The draft is not changed."""
        if epoch is None:
            epoch = int(self.api.get(f"{self.path}/keyset").members["epoch"])
        number = f"{epoch}/{serial}"

        def said() -> Mapping[str, Any]:
            return verify_held(self.text(epoch, serial), self.trust).document.payload

        if wishes.dry_run:
            return server_publish.tell_content(out, self, said(), f"would publish what {epoch}.{serial} said")
        out.note("the draft is not changed: `livepin diff` shows what the next publish will bring back")
        order = server_publish.Order(f"{self.path}/revisions/{number}/rollback", said)
        return server_publish.run(out, self, wishes, order)

    def decommission(self, out: Output, wishes: Wishes, ending: Ending) -> int:
        """The server removes the documents by itself, some hours after the last one is out."""
        return server_ends.decommission(out, self, wishes, ending)

    def withdraw(self, out: Output, ending: Ending) -> int:
        """From every origin of the server, which signs nothing for the project any more."""
        return server_ends.withdraw(out, self, ending)

    def latest(self) -> dict[str, Any] | None:
        """The highest published revision, without its text."""
        items = self.api.get(f"{self.path}/revisions", limit=1).members["items"]
        return dict(items[0]) if items else None

    def text(self, epoch: int, serial: int) -> str:
        """The JWS of a published revision. Raises `NotFound`."""
        return str(self.api.get(f"{self.path}/revisions/{epoch}/{serial}").members["text"])

    def document(self) -> tuple[str, str]:
        """The highest that was published."""
        latest = self.latest()
        if latest is None:
            raise ProjectInvalid(
                "revision_missing", "nothing is published yet", where=self.name, hint="`livepin publish`"
            )
        return self.text(latest["epoch"], latest["serial"]), self.name

    def published(self) -> Revision | None:
        """The highest that was published, verified here. Raises `DocumentRefused`."""
        latest = self.latest()
        return None if latest is None else verify_held(self.text(latest["epoch"], latest["serial"]), self.trust)


def changes_of(members: Iterable[Mapping[str, Any]]) -> Iterator[Change]:
    """Differences as the server says them."""
    for one in members:
        yield Change(str(one["what"]), str(one["where"]), one.get("before"), one.get("after"))


def _seen(pattern: str, reply: Reply) -> Iterator[Seen]:
    for look in reply.members["items"]:
        try:
            chain = tuple(_description(one) for one in look["chain"])
        except (KeyError, TypeError) as error:
            raise ServerFailed("server_strange", f"a look without {error}", where=pattern) from None
        yield Seen(pattern, str(look["address"]), chain, "" if look["validated"] else str(look["problem"]))


def _description(members: Mapping[str, Any]) -> Description:
    return Description(
        str(members["subject"]),
        str(members["issuer"]),
        tuple(members["names"]),
        members.get("not_before"),
        members.get("not_after"),
        dict(members["digests"]),
    )
