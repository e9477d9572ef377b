"""The recovery sheet: what is printed, and what comes back from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from livepin.author.keys import write_pair
from livepin.author.sheet import Sheet, typed_in
from livepin.author.signers import pem
from livepin.author.signers.pem import KeyKind
from livepin.core.jws import PublicKey
from livepin.errors import KeyUnusable

PASSPHRASE = "correct horse battery"


@pytest.fixture(scope="module", params=list(KeyKind))
def sheet(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sheet:
    path = tmp_path_factory.mktemp("sheet") / "shop.pem"
    public = write_pair(path, pem.generate(request.param), PASSPHRASE)
    return Sheet("shop", path.read_text("ascii"), public, "2026-11-25")


def lines(sheet: Sheet) -> list[str]:
    return [line for line in sheet.text().splitlines() if line.lstrip()[:2].isdigit()]


def test_the_whole_sheet_gives_the_file_back(sheet: Sheet) -> None:
    assert typed_in(sheet.text()) == sheet.pem


def test_only_the_numbered_lines_are_typed_and_blanks_do_not_matter(sheet: Sheet) -> None:
    parts = [line.split() for line in lines(sheet)]
    text = typed_in("\n\n".join(f"{one[0]} {''.join(one[1:-1])} {one[-1]}" for one in parts))
    key = pem.load_text(text, PASSPHRASE, "sheet")
    assert PublicKey.from_spki(pem.public_der(key)) == sheet.public_key


def test_it_says_what_it_is_and_holds_no_secret(sheet: Sheet) -> None:
    text = sheet.text()
    assert sheet.public_key.thumbprint in text
    assert "livepin anchor restore" in text
    assert PASSPHRASE not in text
    assert text.isascii()


@pytest.mark.parametrize("number", [1, 3])
def test_the_line_that_was_mistyped_is_named(sheet: Sheet, number: int) -> None:
    typed = lines(sheet)
    wrong = typed[number - 1].split()
    wrong[1] = wrong[1][::-1]
    typed[number - 1] = " ".join(wrong)
    with pytest.raises(KeyUnusable) as raised:
        typed_in("\n".join(typed))
    assert (raised.value.code, raised.value.message.split()[:2]) == ("sheet_invalid", ["line", f"{number:02}"])


def test_lines_in_another_order_a_line_left_out_and_nothing(sheet: Sheet) -> None:
    typed = lines(sheet)
    for text in ("\n".join(reversed(typed)), "\n".join(typed[1:]), "", "no lines here", "01 nonsense"):
        with pytest.raises(KeyUnusable) as raised:
            typed_in(text)
        assert raised.value.code == "sheet_invalid"


def test_the_end_that_was_left_out_is_noticed_with_the_passphrase(sheet: Sheet, tmp_path: Path) -> None:
    short = typed_in("\n".join(lines(sheet)[:-1]))
    with pytest.raises(KeyUnusable) as raised:
        pem.load_text(short, PASSPHRASE, "sheet")
    assert raised.value.code in ("passphrase_wrong", "key_unusable")
