"""`python -m demo`: the whole story. Exit status 0 if every claim held, 1 if not."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

from demo.processes import Processes
from demo.scenes import SCENES
from demo.server import EMAIL
from demo.stage import Stage
from demo.story import Story, Style
from demo.waiting import DemoFailed, uninterrupted

_CHECKOUT = Path(__file__).parent.parent
_NEXT = """
What to do next
  docs/quickstart.md    the same in five minutes, with your own host
  docs/threat-model.md  what an attacker can still do
  docs/index.md         everything else; `make docs` makes a site of it
"""


def main(arguments: list[str]) -> int:
    """Tell the story. Returns the exit status."""
    options = _parser().parse_args(arguments)
    story = Story(sys.stdout, _style(options.plain))
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    folder = _new_folder()
    try:
        _play(folder, story, use_nginx=not options.without_nginx)
    except DemoFailed as failure:
        story.claim("the story could be told to its end", str(failure), "every process does its part")
    except KeyboardInterrupt:
        story.say("\nInterrupted: all processes are ended.")
        return 130
    except BrokenPipeError:  # the reader went away, `| head` for one; Python must not complain once more at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    finally:
        _tidy(folder, story)
    story.summary()
    story.say(_NEXT.rstrip())
    return 0 if story.holds else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="demo", description="Livepin's story, with real processes on loopback.")
    parser.add_argument("--plain", action="store_true", help="no colours, ASCII only")
    parser.add_argument("--without-nginx", action="store_true", help="serve the document with Python's static server")
    parser.epilog = "KEEP=1 in the environment leaves the dashboard open, and the folder with everything that was made."
    return parser


def _style(plain: bool) -> Style:
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return Style(plain=plain or not unicode, colour=colour and not plain)


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _new_folder() -> Path:
    """In `build/`, not in the shared temporary directory: the client's store would rightly refuse to be there."""
    build = _CHECKOUT / "build"
    build.mkdir(exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="demo-", dir=build))


def _tidy(folder: Path, story: Story) -> None:
    if os.environ.get("KEEP"):
        story.say(f"\nKEEP is set: everything that was made is in {folder}")
    else:
        with uninterrupted():
            shutil.rmtree(folder)


def _play(folder: Path, story: Story, *, use_nginx: bool) -> None:
    story.say("Livepin in a minute: a pinned application, somebody in between, two rotations, a replay,")
    story.say("a certificate that nobody logged; a server that dies piece by piece, and is not missed.")
    story.say("Everything runs on this machine's loopback, and every line with a mark is checked.")
    with Processes(folder) as processes:
        stage = Stage(folder, processes, story, use_nginx=use_nginx)
        for title, play in SCENES.items():
            story.scene(title)
            play(stage)
            if not story.holds:
                story.say("\nA claim failed, so the story ends here.")
                return
        if os.environ.get("KEEP"):
            _stay(stage)


def _stay(stage: Stage) -> None:
    """Leave the server open until somebody presses Ctrl-C; where nobody can, say how it is opened again."""
    story, server = stage.story, stage.server
    if not sys.stdin.isatty():
        story.say(f"\nThe server can be opened again: livepin serve --data {server.folder}")
    else:
        server.start("web")
        story.summary()
        story.say(f"\nThe dashboard is open, until Ctrl-C: {server.dashboard}")
    story.say(f"Sign in as {EMAIL}, with {server.password}")
    if sys.stdin.isatty():
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
