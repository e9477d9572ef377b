"""The tree of commands. Each noun's module is imported when its command runs, so `livepin --help` stays quick."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import click

from livepin.cli.exits import Exit
from livepin.errors import LivepinError

#: Command -> (module, what `--help` says of it), in the order in which a project needs them.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("init", "From nothing to a published document: keys, pins, a first revision."),
    "keys": ("keys", "Signing keys: new, add, list, sign-input."),
    "signer": ("signer", "Whether the key signs, and how it is kept: test."),
    "keyset": ("keyset", "Which keys may sign: new, rotate, revoke, countersign, show."),
    "anchor": ("anchor", "Keys that applications embed: new, restore, add, remove, threshold."),
    "look": ("look", "Look at a live endpoint: its chain and all digests."),
    "host": ("host", "Hosts and their policies: set, remove, list."),
    "pin": ("pin", "Pins of a host: add, remove, list."),
    "deny": ("deny", "Keys that are refused everywhere: add, remove, list."),
    "ct": ("ct", "Certificate Transparency: logs (the log table), check."),
    "check": ("check", "Hold the project against what is live: the guard."),
    "diff": ("diff", "What publishing would change."),
    "sign": ("sign", "Stage, check and sign a revision without publishing it."),
    "publish": ("publish", "Stage, check, sign and publish a revision."),
    "freshness": ("freshness", "Prolong the published document with a refresh key: publish, show."),
    "rollback": ("rollback", "Publish the content of an older revision under a new serial."),
    "decommission": ("decommission", "Publish a last revision in which every host is off."),
    "withdraw": ("withdraw", "Remove the documents from where they are published, at once."),
    "recover": ("recover", "A project's folder out of its last published document and your own key."),
    "show": ("show", "Show a document."),
    "timeline": ("timeline", "Draw what certificates, pins and the document cover, and where a gap is."),
    "verify": ("verify", "Verify a document as an application would."),
    "embed": ("embed", "What an application embeds."),
    "doctor": ("doctor", "Prove that enforcement works here, and that the project's document is in good health."),
    "drill": ("drill", "Play an attack on loopback, and see how long it takes until applications are safe."),
    "login": ("login", "Sign in to a server, whose projects the same commands then work on."),
    "logout": ("logout", "Sign out of a server."),
    "profile": ("profile", "Servers that this machine knows: list, use."),
    "organization": ("organization", "Organizations on a server: list."),
    "member": ("member", "Who belongs to an organization on a server: list, role, remove."),
    "invitation": ("invitation", "Who is asked to join one: list, new, withdraw."),
    "token": ("token", "API tokens on a server, for machines: list, new, revoke."),
    "project": ("project_there", "Projects on a server: list, new, show."),
    "publishes": ("publishes", "Publishes on a server, and those that wait: list, approve, retry, cancel."),
    "pull": ("pull", "A server's project as files, for an emergency without the server."),
    "push": ("push", "A project file's draft to the server."),
    "adopt": ("adopt", "Have a server take over what was published without it."),
    "serve": ("serve", "Run the server; its first start makes all that it needs."),
    "server": ("server", "An installation of the server: settings, check, backups, keys, jobs, ways in."),
    "audit": ("audit", "Verify an exported audit trail, without the server."),
    "conform": ("door", "The conformance door: JSON lines in, JSON lines out."),
}


class UsageRefused(LivepinError):
    """The command line itself is wrong; for programs, which asked for JSON."""

    exit_status = 2


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports them one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, in the order of a project's life."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"livepin.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, COMMANDS[cmd_name][0])
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in `--help`, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="livepin")
def livepin() -> None:
    """Dynamic certificate pinning: change an application's TLS pins within minutes, without a release."""


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit status. Raises what the command raises, and `UsageRefused` where JSON is asked for."""
    try:
        result: Any = livepin.main(list(arguments), prog_name="livepin", standalone_mode=False)
    except click.ClickException as error:
        if "--json" in arguments:
            raise UsageRefused("usage", error.format_message()) from None
        error.show()
        return Exit.USAGE
    except click.Abort:
        return Exit.INTERRUPTED
    return result if isinstance(result, int) else Exit.OK
