"""How a value stands in a script: one filter per language, and nothing printed without one.

A mailbox, an application's name or a file's name may hold any sign of any of the languages; a
template that forgets to quote one fails (`generator.azure.setup_templates`). Line ends and control
characters were refused when the environment file was read; here they are refused once more.
"""

from __future__ import annotations

import re

from generator.characters import illegal_character

HERE_DOCUMENT_END = "END_OF_EXCHANGE_SCRIPT"

_BARE = re.compile(r"[A-Za-z0-9._-]*")
_URL = re.compile(r"https://[A-Za-z0-9.-]+")
_PLAIN = re.compile(r"[A-Za-z0-9._:%&=?/-]*")
_INTRODUCER = re.compile(r"([$%])(?=\{)")
_INTRODUCERS = re.compile(r"[$%]+(?=\{)")
_BICEP = re.compile(r"[\\']|\$(?=\{)")
_BACKTICKS = re.compile(r"`+")
_MARKDOWN = re.compile(r"([\\`*_\[\]<>#|&~])")


class Quoted(str):
    """Text that may stand where a template prints it."""

    __slots__ = ()


def shell(value: str) -> Quoted:
    """A word of a POSIX shell, in single quotes: nothing in it is special but their end."""
    return Quoted("'" + _one_line(value).replace("'", "'\\''") + "'")


def bare(value: str) -> Quoted:
    """A value whose signs are special nowhere in a shell, for the inside of `"${NAME:-...}"`."""
    if not _BARE.fullmatch(value):
        raise ValueError("holds more than letters, digits, . _ and -")
    return Quoted(value)


def url(value: str) -> Quoted:
    """`https://host`, for the inside of a string of any language."""
    if not _URL.fullmatch(value):
        raise ValueError("is no https:// and host name")
    return Quoted(value)


def verbatim(value: str) -> Quoted:
    """A line of a here-document whose end is quoted, where nothing is special."""
    if value.strip() == HERE_DOCUMENT_END:
        raise ValueError("is the end of the here-document")
    return Quoted(_one_line(value))


def powershell(value: str) -> Quoted:
    """An expression of PowerShell, pure ASCII.

    Typographic quotes end a single-quoted string as the plain one does (PowerShell language
    specification 2.3.5.2), and Windows PowerShell 5.1 reads a file without a byte order mark in
    the system's code page: so every character beyond ASCII is written as its number.
    """
    parts: list[str] = []
    for plain, other in re.findall(r"([\x20-\x7e]+)|([^\x20-\x7e]+)", _one_line(value)):
        if plain:
            parts.append("'" + plain.replace("'", "''") + "'")
        else:
            parts += [f"[char]0x{unit:04x}" for unit in _utf16(other)]
    if len(parts) == 1 and parts[0].startswith("'"):
        return Quoted(parts[0])
    # A string comes first, so that + joins and does not add.
    return Quoted("(" + " + ".join(["''", *parts]) + ")") if parts else Quoted("''")


def terraform(value: str) -> Quoted:
    """A quoted template of HCL without interpolation (HCL native syntax, "Quoted templates").

    `$${` and `%%{` stand for `${` and `%{`; where the same sign stands before, whose pair it is
    would depend on the scanner, so the sign is written as its number.
    """
    text = _one_line(value).replace("\\", "\\\\").replace('"', '\\"')
    return Quoted('"' + _INTRODUCER.sub(_introducer, text) + '"')


def terraform_heredoc(value: str) -> Quoted:
    """A line inside a heredoc of HCL, where the backslash means nothing: signs by interpolation."""
    line = _one_line(value)
    return Quoted(_INTRODUCERS.sub(lambda run: "".join(f'${{"{sign}"}}' for sign in run[0]), line))


def bicep(value: str) -> Quoted:
    """A string of Bicep without interpolation (Bicep, "Data types", strings)."""
    return Quoted("'" + _BICEP.sub(lambda found: "\\" + found[0], _one_line(value)) + "'")


def markdown(value: str) -> Quoted:
    """Text of Markdown in which nothing is markup."""
    return Quoted(_MARKDOWN.sub(r"\\\1", _one_line(value)))


def code(value: str) -> Quoted:
    """A code span of Markdown, fenced by more backticks than it holds."""
    text = _one_line(value)
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
    fence = "`" * (longest + 1)
    space = " " if text.startswith("`") or text.endswith("`") or not text.strip() else ""
    return Quoted(f"{fence}{space}{text}{space}{fence}")


def plain(value: str) -> Quoted:
    """A value whose signs are markup nowhere: ids, dates, queries that are encoded already."""
    if not _PLAIN.fullmatch(value):
        raise ValueError("holds more than letters, digits and . _ - : % & = ? /")
    return Quoted(value)


def html_comment(value: str) -> Quoted:
    """Text of a comment of HTML, which two hyphens would end."""
    apart = re.sub("-(?=-)", "- ", comment(value))
    return Quoted(apart.replace("<", "(").replace(">", ")"))


def comment(value: str) -> Quoted:
    """Text of a comment that ends with its line; ASCII, so that no reader sees it turned around."""
    return Quoted(_one_line(value).encode("ascii", "backslashreplace").decode("ascii"))


def _introducer(found: re.Match[str]) -> str:
    sign = found[1]
    if found.start() and found.string[found.start() - 1] == sign:
        return f"\\u{ord(sign):04x}"
    return sign * 2


def _utf16(text: str) -> list[int]:
    data = text.encode("utf-16-be")
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


def _one_line(value: str) -> str:
    place = illegal_character(value)
    if place is not None:
        raise ValueError(f"holds {place}")
    return value
