"""The recovery sheet: an anchor on paper, encrypted under its passphrase as it is in its file.

Files are lost, and disks age faster than paper. Every line of the sheet carries a check of its own, so that whoever
types it in again is told which line is wrong, and not merely that something is.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from livepin.core.base64s import b64
from livepin.core.jws import PublicKey
from livepin.errors import KeyUnusable

_LINE = re.compile(r"\s*(\d\d)\s+([A-Za-z0-9+/=\s]+?)\s+([0-9a-f]{4})\s*")
_WIDTH, _GROUP = 64, 8
_BEGIN, _END = "-----BEGIN ENCRYPTED PRIVATE KEY-----", "-----END ENCRYPTED PRIVATE KEY-----"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is printed. `name`: what people call the anchor; `pem`: the encrypted file; `made_at`: a date."""

    name: str
    pem: str
    public_key: PublicKey
    made_at: str

    def text(self) -> str:
        """The sheet as text, for any printer."""
        body = self.pem.replace(_BEGIN, "").replace(_END, "")
        data = "".join(body.split())
        rows = [data[start : start + _WIDTH] for start in range(0, len(data), _WIDTH)]
        lines = [f"  {number:02}  {_grouped(row)}  {_check(number, row)}" for number, row in enumerate(rows, 1)]
        return _SHEET.format(
            name=self.name,
            made_at=self.made_at,
            kind=self.public_key.alg,
            thumbprint=self.public_key.thumbprint,
            public_key=b64(self.public_key.spki),
            lines="\n".join(lines),
        )


_SHEET = """\
LIVEPIN RECOVERY SHEET                                              {made_at}
==========================================================================

An anchor: a key that applications embed. Whoever has this sheet AND its
passphrase decides what those applications trust. Print it, delete the file,
and keep the paper where the passphrase is not.

anchor       {name}
algorithm    {kind}
fingerprint  {thumbprint}
public key   {public_key}

The private key, encrypted under the passphrase (PKCS#8, PBES2):

{lines}

passphrase   kept at ______________________________________________________

TO RESTORE   Type the numbered lines into a file: number, text, check. Blanks
             within the text do not matter. Then, where Livepin is installed:

                 livepin anchor restore sheet.txt anchor.pem

             It says which line is wrong, asks for the passphrase, and prints
             the fingerprint: it must be the one above. Without Livepin, any
             program that reads PKCS#8 opens the text between these lines:
             {begin}
             {end}
""".replace("{begin}", _BEGIN).replace("{end}", _END)


def _grouped(row: str) -> str:
    return " ".join(row[start : start + _GROUP] for start in range(0, len(row), _GROUP))


def _check(number: int, row: str) -> str:
    return hashlib.sha256(f"{number}:{row}".encode("ascii")).hexdigest()[:4]


def typed_in(text: str) -> str:
    """The PEM of a sheet that was typed in, or of its text as it was printed.

    Raises `KeyUnusable` (`sheet_invalid`).
    """
    rows: list[str] = []
    for line in text.splitlines():
        if not re.match(r"\s*\d\d\s", line):
            continue
        found = _LINE.fullmatch(line)
        number = len(rows) + 1
        row = "".join(found[2].split()) if found else ""
        if found is None or int(found[1]) != number or found[3] != _check(number, row):
            raise KeyUnusable("sheet_invalid", f"line {number:02} was not typed as it is printed", where="sheet")
        rows.append(row)
    if not rows:
        raise KeyUnusable("sheet_invalid", "there are no numbered lines", where="sheet")
    return "\n".join([_BEGIN, *rows, _END, ""])
