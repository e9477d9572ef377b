"""What a terminal may have of texts that somebody else wrote. Needs nothing but the standard library, as errors do."""

from __future__ import annotations

import re

#: Controls but for ends of lines and tabs, marks that turn the order of letters around, and what nobody sees.
_HIDDEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


def shown(text: str) -> str:
    """A text as a terminal may have it: what cannot be seen is written out, as `\\x9b`.

    The threat is somebody else's note, reason or name, which would move the cursor, hide lines from whoever is asked
    to agree to something, or turn their order around.
    """
    return _HIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
