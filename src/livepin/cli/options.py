"""Options that several commands share: one spelling, one meaning."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from livepin.core.guard import Rule
from livepin.errors import InputInvalid
from livepin.watch.address import Address, parse_address

#: A thumbprint (32 bytes in base64url) that looks like an option: one in 64 does.
_HYPHENED = re.compile("-[A-Za-z0-9_-]{41}[AEIMQUYcgkosw048]")


class KeyCommand(click.Command):
    """A command with an argument that may be a thumbprint; one that begins with a hyphen is no option either."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, after thumbprints were moved to where no options are."""
        valued = {name for one in self.params if isinstance(one, click.Option) and not one.is_flag for name in one.opts}
        places = [
            place
            for place, given in enumerate(args)
            if _HYPHENED.fullmatch(given) and (place == 0 or args[place - 1] not in valued)
        ]
        if places and "--" not in args:
            others = [given for place, given in enumerate(args) if place not in places]
            args = [*others, "--", *(args[place] for place in places)]
        return super().parse_args(ctx, args)


json_option = click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
directory_option = click.option(
    "--directory",
    "-C",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    show_default=True,
    help="The project's folder.",
)
passphrase_option = click.option(
    "--passphrase-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with the passphrase (or PIN) on its first line; else LIVEPIN_PASSPHRASE, else a prompt.",
)
anchor_option = click.option(
    "--anchor",
    "anchors",
    multiple=True,
    metavar="PLACE",
    help="An anchor that signs: a PEM file, pkcs11:… or aws-kms:…. Repeatable.",
)
anchor_passphrase_option = click.option(
    "--anchor-passphrase-file",
    "anchor_passphrase_files",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Passphrase of the anchor, as above; repeated, in the order of --anchor. Else LIVEPIN_ANCHOR_PASSPHRASE, "
    "else a prompt.",
)
timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(0.1, 300),
    default=10.0,
    show_default=True,
    help="Seconds to wait for an endpoint, or for the public URL.",
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask: somebody has reviewed what this changes.")
no_confirm_option = click.option("--no-confirm", is_flag=True, help="Do not wait for the public URL to follow.")


class OverrideType(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on only
    """`RULE=REASON`, such as `G2=the second region is down for maintenance`."""

    name = "RULE=REASON"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Rule, str]:
        """The rule and the reason."""
        rule, _, reason = str(value).partition("=")
        names = [one.value for one in Rule if one.overridable]
        if rule.upper() not in names:
            self.fail(f"{rule!r} is not one of {', '.join(names)}", param, ctx)
        if not reason.strip():
            self.fail("a reason is missing; it is recorded", param, ctx)
        return Rule(rule.upper()), reason.strip()


class AddressType(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on only
    """`HOST[:PORT]`."""

    name = "HOST[:PORT]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        """The address; a fault in it is told by `HostInvalid`."""
        return value if isinstance(value, Address) else parse_address(str(value))


class MomentType(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on only
    """An RFC 3339 date-time, or a date (its midnight UTC), as Unix seconds."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Unix seconds."""
        if isinstance(value, int):
            return value
        try:
            found = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a date such as 2027-01-31 or 2027-01-31T12:00:00Z", param, ctx)
        if found.tzinfo is None:
            if len(str(value)) > len("2027-01-31"):
                self.fail(f"{value!r} has no time zone; add Z for UTC", param, ctx)
            found = found.replace(tzinfo=UTC)
        return int(found.timestamp())


class NumberType(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on only
    """`SERIAL`, or `EPOCH.SERIAL` for a revision of another epoch."""

    name = "[EPOCH.]SERIAL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int | None, int]:
        """(epoch, serial); the epoch is None where it was not given."""
        if isinstance(value, tuple):
            return value
        epoch, dot, serial = str(value).rpartition(".")
        good = serial.isascii() and serial.isdigit() and int(serial) >= 1
        if not good or bool(dot) != bool(epoch) or (epoch and not (epoch.isascii() and epoch.isdigit())):
            self.fail(f"{value!r} is not a serial such as 7, or a number such as 2.7", param, ctx)
        return (int(epoch) if dot else None, int(serial))


class ReasonType(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on only
    """One line of 1 to 500 characters that says why."""

    name = "TEXT"
    longest = 500

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The line without white space around it. Raises `InputInvalid` (`usage`)."""
        text = str(value).strip()
        if not text or len(text) > self.longest or not text.isprintable():
            raise InputInvalid("usage", f"not one line of 1 to {self.longest} characters", where="--reason")
        return text


override_option = click.option(
    "--override",
    "overrides",
    type=OverrideType(),
    multiple=True,
    help="Publish in spite of a guard rule; the reason goes into the journal. Repeatable.",
)
address_option = click.option("--address", type=AddressType(), help="Connect there, whatever the name resolves to.")
