"""Which characters a value may hold: XML 1.0 must be able to carry it unharmed.

Control characters, lone surrogates, U+FFFE and U+FFFF are refused everywhere, never dropped
(Extensible Markup Language 1.0, production 2, "Char"). One-line values also refuse tab, CR
and LF.
"""

from __future__ import annotations

import re

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_ILLEGAL_ONE_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


def illegal_character(value: str, *, multiline: bool = False) -> str | None:
    """Name the first character that `value` may not hold.

    Args:
        value: Any text.
        multiline: Whether tab, CR and LF are accepted (comments and descriptions).

    Returns:
        `U+0007 at character 12`, or None if all characters are accepted.
    """
    found = (_ILLEGAL if multiline else _ILLEGAL_ONE_LINE).search(value)
    if found is None:
        return None
    return f"U+{ord(found[0]):04X} at character {found.start() + 1}"
