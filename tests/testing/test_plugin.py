"""Users hold their own application against an attacker, with the fixtures that Livepin gives to pytest."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from _pytest.assertion.rewrite import AssertionRewriter

import livepin
from livepin.testing import plugin

pytest_plugins = ["pytester"]

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text("utf-8")
FIXTURES = [name for name in vars(plugin) if name.startswith("livepin_")]

#: An application of the user's, which calls whatever it is told to; and one that deals with errors itself.
APPLICATION = """
import urllib.error
import urllib.request

def call(url):
    request = urllib.request.Request(url, headers={"Authorization": "Bearer secret"})
    with urllib.request.urlopen(request, timeout=5) as response:
        return response.status

def call_carefully(url):
    try:
        return call(url)
    except urllib.error.URLError:
        return 502
"""


def run(pytester: pytest.Pytester, tests: str, *arguments: str) -> pytest.RunResult:
    """What pytest makes of these tests, in a process of its own, as a user starts it."""
    pytester.makepyfile(application=APPLICATION, test_application=tests)
    return pytester.runpytest_subprocess("-W", "error", "-p", "no:cacheprovider", "-p", "no:xdist", *arguments)


def test_the_example_of_the_page_passes(pytester: pytest.Pytester) -> None:
    section = PAGE.partition("## With pytest")[2]
    (block, *_) = re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    run(pytester, block).assert_outcomes(passed=block.count("def test_"))


def test_the_page_names_every_fixture() -> None:
    assert re.findall(r"^\| `(livepin_\w+)` \|", PAGE, re.MULTILINE) == FIXTURES
    assert all(inspect.getdoc(getattr(plugin, name)) for name in FIXTURES)


@pytest.mark.slow
def test_whoever_does_not_use_it_pays_nothing_for_it(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "as it was")
    result = run(
        pytester,
        """
        import os, sys

        def test_nothing_was_imported():
            ours = {name for name in sys.modules if name.partition(".")[0] == "livepin"}
            assert ours == {"livepin", "livepin.testing", "livepin.testing.plugin"}
            assert "cryptography" not in sys.modules

        def test_nothing_is_set_up():
            assert os.environ["SSL_CERT_FILE"] == "as it was"
            import livepin
            assert livepin.status() is None
        """,
    )
    result.assert_outcomes(passed=2)


def test_pytest_does_not_mind_a_livepin_that_was_imported_earlier() -> None:
    """It would warn, in installations from a wheel, that it cannot rewrite the assertions of a plugin's package."""
    assert AssertionRewriter.is_rewrite_disabled(livepin.__doc__ or "")


@pytest.mark.slow
def test_it_can_be_left_out(pytester: pytest.Pytester) -> None:
    result = run(pytester, "def test_it(livepin_pins): pass", "-p", "no:livepin")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'livepin_pins' not found*"])


@pytest.mark.slow
def test_rotations_revocations_lies_and_detours_can_be_played_and_leave_no_trace(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import os, threading
        import httpx, livepin, pytest, requests
        from application import call, call_carefully
        from livepin.testing import policy

        before = dict(os.environ)

        @pytest.fixture(scope="session")
        def livepin_hosts():
            return ("localhost", "api.example.com")

        def test_documents(livepin_pins, livepin_service, livepin_cast):
            livepin_service.use(livepin_cast.backup)
            assert call(livepin_service.url()) == 200
            livepin_pins.publish(deny=[livepin_cast.backup.spki_sha256])
            with livepin_pins.refuses(livepin_service, code="denied"):
                call(livepin_service.url())
            livepin_pins.serve(livepin_pins.documents.rolled_back())
            with livepin_pins.refuses(livepin_service, code="denied"):
                call(livepin_service.url())
            livepin_pins.publish(policy("localhost", livepin_cast.backup), deny=[])
            assert call(livepin_service.url()) == 200

        def test_an_application_that_deals_with_the_refusal_itself(livepin_pins, livepin_attacker):
            with livepin_pins.refuses(livepin_attacker):
                assert call_carefully(livepin_attacker.url()) == 502

        @pytest.mark.parametrize("get", [requests.get, httpx.get, lambda url, timeout: call(url)])
        def test_detour(livepin_pins, livepin_service, livepin_attacker, livepin_detour, get):
            livepin_detour(livepin_service)
            get("https://api.example.com/", timeout=5)
            assert livepin_pins.pinner.status().verdicts == {"allowed": {"matched": 1}}
            livepin_detour(livepin_attacker)
            with livepin_pins.refuses(livepin_attacker):
                get("https://api.example.com/", timeout=5)

        @pytest.mark.parametrize("get", [requests.get, httpx.get, lambda url, timeout: call(url)])
        def test_control(livepin_attacker, livepin_detour, get):
            livepin_detour(livepin_attacker)
            get("https://api.example.com/", timeout=5)
            assert livepin_attacker.application_bytes > 0

        def test_the_process_is_as_before():
            assert livepin.status() is None
            assert {name: value for name, value in os.environ.items() if "PYTEST" not in name} == {
                name: value for name, value in before.items() if "PYTEST" not in name
            }
            # A round of fetching that is under way ends by itself.
            for thread in threading.enumerate():
                if thread is not threading.current_thread():
                    thread.join(30)
                    assert not thread.is_alive(), thread
        """,
    )
    result.assert_outcomes(passed=9)


#: What a test does in the block of `refuses`, and what it is told then.
SHOWS_NOTHING = {
    "livepin.uninstall(); call(livepin_attacker.url())": "called livepin.setup or livepin.uninstall itself",
    "pass": "nothing connected to this server",
    "livepin_attacker.use(livepin_cast.genuine); call(livepin_attacker.url())": "the server learnt * bytes",
    "livepin_attacker.use(livepin_cast.expired); call_carefully(livepin_attacker.url())": "nothing was refused as",
    "call_carefully(livepin_attacker.url()); assert False, 'of their own'": "of their own",
    "call_carefully(livepin_attacker.url()); 1 / 0": "ZeroDivisionError",
    "livepin_attacker.use(livepin_cast.expired); call(livepin_attacker.url())": "certificate has expired",
}


@pytest.mark.slow
def test_a_test_that_shows_nothing_fails_and_says_why(pytester: pytest.Pytester) -> None:
    tests = "import livepin\nfrom application import call, call_carefully\n"
    for number, block in enumerate(SHOWS_NOTHING):
        tests += f"\ndef test_{number}(livepin_pins, livepin_attacker, livepin_cast):\n"
        tests += f"    with livepin_pins.refuses(livepin_attacker):\n        {block}\n"
    result = run(pytester, tests, "--tb=line")
    result.assert_outcomes(failed=len(SHOWS_NOTHING))
    result.stdout.fnmatch_lines([f"*{complaint}*" for complaint in SHOWS_NOTHING.values()])
