"""The `livepin` command: where every error becomes four lines for people, or JSON, and an exit status.

What a plain install has not got is imported inside `main`, so that it can say what is missing.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from livepin.cli.exits import Exit
from livepin.errors import CODES, DocumentRefused, LivepinError

#: Module -> the extras with which it is installed.
_EXTRAS = {
    **dict.fromkeys(("click", "tomlkit", "idna", "publicsuffixlist"), "cli"),
    **dict.fromkeys(
        ("allauth", "argon2", "django", "granian", "ninja", "prometheus_client", "structlog"), "cli,server"
    ),
    **dict.fromkeys(("procrastinate", "psycopg"), "cli,server,postgres"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        # Imported here: `click` comes with the `cli` extra.
        from livepin.cli.commands import run

        return run(given)
    except ModuleNotFoundError as error:
        name = str(error.name).partition(".")[0]
        if name not in _EXTRAS:
            return _internal(error, given)
        hint = f"Install what this command needs: pip install 'livepin[{_EXTRAS[name]}]'."
        return _report(LivepinError("extra_missing", f"{name} is not installed", hint=hint), Exit.USAGE, given)
    except LivepinError as error:
        return _report(error, error.exit_status, given)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output went away; Python would complain once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except Exception as error:
        return _internal(error, given)


def _internal(error: Exception, given: Sequence[str]) -> int:
    if os.environ.get("LIVEPIN_DEBUG"):
        raise error
    return _report(LivepinError("internal", f"{type(error).__name__}: {error}"), Exit.INTERNAL, given)


def _report(error: LivepinError, status: int, given: Sequence[str]) -> int:
    """What, where, what to do, and the place in the docs: on standard error, or as JSON on standard output."""
    if "--json" in given:
        members: dict[str, Any] = {"code": error.code, "message": error.message, "where": error.where}
        members |= {"hint": error.hint, "docs": error.docs}
        if isinstance(error, DocumentRefused):
            members["step"] = error.step
        # The one error with more to say for programs is the guard's, whose class only the commands know.
        members |= getattr(error, "as_json", dict)()
        sys.stdout.write(json.dumps({"ok": False, "error": members, "exit_status": int(status)}) + "\n")
        return int(status)
    from livepin.cli.terminal import shown  # `--help` needs none of it

    lines = [f"livepin: {error.message} [{error.code}]"]
    lines += [f"  where: {error.where}"] if error.where else []
    lines += [f"  do:    {error.hint or CODES['internal']}", f"  docs:  {error.docs}"]
    sys.stderr.write(shown("\n".join(lines)) + "\n")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
