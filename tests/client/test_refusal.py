"""A blocked connection raises one error, which every client of `ssl` treats as a bad certificate."""

from __future__ import annotations

import copy
import pickle
import ssl
from types import SimpleNamespace
from typing import Any

import pytest

import livepin
from livepin import Outcome, PinError, Verdict, find_pin_error
from livepin.core.verdict import Likely
from livepin.errors import PeerRefused

VERDICT = Verdict(
    Outcome.BLOCKED,
    "pin_mismatch",
    "api.example.com",
    pattern="*.example.com",
    epoch=2,
    serial=7,
    digest="ZGlnZXN0",
    likely=Likely.INTERCEPTION,
    reasons=("no active pin matches", "the authority was never seen"),
)


COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda error: pickle.loads(pickle.dumps(error)),
}


def refused(**options: Any) -> PinError:
    return PinError(VERDICT, **options)


def test_it_is_what_clients_know_as_a_bad_certificate() -> None:
    error = refused()
    assert isinstance(error, ssl.SSLCertVerificationError)
    assert isinstance(error, PeerRefused)
    assert isinstance(error, livepin.LivepinError)


@pytest.mark.parametrize("rebuilt", [False, True], ids=["raised", "unpickled"])
def test_what_clients_read_of_an_ssl_error_is_there(rebuilt: bool) -> None:
    error = pickle.loads(pickle.dumps(refused())) if rebuilt else refused()
    assert error.errno == ssl.SSL_ERROR_SSL
    assert error.strerror == error.verify_message == "no active pin matches; the authority was never seen"
    assert (error.library, error.reason, error.verify_code) == ("LIVEPIN", "PIN_MISMATCH", 0)


def test_its_text_names_the_host_the_reasons_the_code_and_what_to_do() -> None:
    assert str(refused()) == (
        "api.example.com: no active pin matches; the authority was never seen [pin_mismatch]"
        " If the service has a new key, publish its pin; if not, somebody is in between."
    )


def test_its_text_says_when_it_is_worth_another_try() -> None:
    assert str(refused(retryable=True)).endswith(" A refresh is under way: try again.")


def test_a_peer_without_a_name_is_a_peer() -> None:
    verdict = Verdict(Outcome.BLOCKED, "no_document", "")
    assert str(PinError(verdict)).startswith("peer: no_document [no_document]")


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("retryable", [False, True])
def test_it_travels_between_processes_whole(copied: Any, retryable: bool) -> None:
    error = refused(retryable=retryable, hint="Call us.")
    again = copied(error)
    assert type(again) is PinError
    assert (str(again), again.args) == (str(error), error.args)
    assert (again.verdict, again.retryable, again.hint) == (VERDICT, retryable, "Call us.")
    assert (again.code, again.where, again.docs) == ("pin_mismatch", "api.example.com", "errors.md#pin_mismatch")


# ---------------------------------------------------------------- finding it in what a client made of it


def caused(error: PinError) -> BaseException:
    try:
        raise RuntimeError("wrapped") from error
    except RuntimeError as outer:
        return outer


def while_handling(error: PinError) -> BaseException:
    try:
        try:
            raise error
        except PinError:
            raise KeyError("what a client did next")  # noqa: B904 - the context is the point
    except KeyError as outer:
        return outer


class WithReason(Exception):
    """As `urllib.error.URLError` and urllib3's `MaxRetryError` keep it."""

    def __init__(self, reason: object) -> None:
        super().__init__("cannot connect")
        self.reason = reason


class WithReasons(Exception):
    """As Twisted keeps them: each reason has an error as its value."""

    def __init__(self, *errors: BaseException) -> None:
        super().__init__("no response")
        self.reasons = [SimpleNamespace(value=error) for error in errors]


WRAPPINGS = {
    "itself": lambda error: error,
    "cause": caused,
    "context": while_handling,
    "argument": lambda error: OSError("cannot connect", error),
    "reason": WithReason,
    "reasons": lambda error: WithReasons(ValueError("another"), error),
    "group": lambda error: ExceptionGroup("all failed", [ValueError("another"), error]),
    "deep": lambda error: ExceptionGroup("all failed", [WithReason(OSError(caused(error)))]),
}


@pytest.mark.parametrize("wrap", WRAPPINGS.values(), ids=WRAPPINGS)
def test_it_is_found_in_whatever_a_client_made_of_it(wrap: Any) -> None:
    error = refused()
    assert find_pin_error(wrap(error)) is error


class Odd(Exception):
    """Attributes that are not what their names promise."""

    reason = 7
    reasons = 7
    exceptions = None


@pytest.mark.parametrize(
    "other", [None, ValueError("no"), WithReason(WithReason("no")), Odd("no")], ids=["none", "other", "nested", "odd"]
)
def test_nothing_is_found_where_nothing_is(other: BaseException | None) -> None:
    assert find_pin_error(other) is None


def test_errors_that_contain_each_other_do_not_make_it_search_for_ever() -> None:
    first, second = WithReason(None), WithReason(None)
    first.reason, second.reason = second, first
    assert find_pin_error(first) is None
