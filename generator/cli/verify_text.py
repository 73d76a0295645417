"""What a verification came to, as text for a reader: a line a link, causes below failed ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from generator.mail.interface import Proven, Verdict

if TYPE_CHECKING:
    from generator.mail.interface import LinkResult, Verification

_COLORS = {
    Verdict.OK: "green",
    Verdict.WARNING: "yellow",
    Verdict.FAILED: "red",
    Verdict.SKIPPED: "bright_black",
}
_WIDTH = max(map(len, Verdict))


def verify_text(
    verification: Verification, *, environment: str, asked: str, stand_ins: Sequence[str] = ()
) -> str:
    """The whole report.

    Args:
        verification: The chain.
        environment: Its name.
        asked: `local` or `instance`.
        stand_ins: Whom a server on this machine answered for.
    """
    where = "from this machine" if asked == "local" else "through the instance"
    lines = [f"{environment}: the mail chain {where}"]
    for link in verification.links:
        lines += _link(link)
    return "\n".join([*lines, conclusion(verification, asked=asked, stand_ins=stand_ins)])


def conclusion(verification: Verification, *, asked: str, stand_ins: Sequence[str] = ()) -> str:
    """The final sentence: what is proven and what is not.

    Args:
        verification: The chain.
        asked: `local` or `instance`.
        stand_ins: Whom a server on this machine answered for: of the real one nothing is proven.
    """
    said = _proven(verification, asked=asked)
    if not stand_ins or not verification.ok:
        return said
    return (
        f"{said} Stand-ins on this machine answered for {' and '.join(stand_ins)}: of the real "
        "ones nothing is proven."
    )


def _proven(verification: Verification, *, asked: str) -> str:
    failed = [link for link in verification.links if link.verdict is Verdict.FAILED]
    if failed:
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        return f"Fails at: {failed[0].title}{more}."
    if verification.proven is Proven.WORKS:
        return "Works: the server took a message for delivery; see that it arrives."
    if verification.proven is Proven.AUTHENTICATED:
        return (
            "Authenticated: the server accepts the token. That a message leaves is not proven: "
            "add --send-to ADDRESS."
        )
    if asked == "instance" and verification.proven is Proven.GRANTED:
        return (
            "Granted: the instance gets a token with what it holds. That a message leaves is not "
            "proven: sn-smtp activate proves it."
        )
    return "Nothing is proven."


def _link(link: LinkResult) -> Iterator[str]:
    verdict = click.style(f"{link.verdict.value:<{_WIDTH}}", fg=_COLORS[link.verdict])
    yield f"  {verdict}  {link.title}: {link.answered}".rstrip(": ")
    numbered = len(link.causes) > 1
    if link.causes and link.checked:
        yield f"{' ' * (_WIDTH + 4)}checked: {link.checked}"
    for number, cause in enumerate(link.causes, 1):
        lead = f"{number}. " if numbered else ""
        pad = " " * (_WIDTH + 4)
        yield f"{pad}{lead}{cause.what}"
        yield f"{pad}{' ' * len(lead)}fix: {cause.fix}"
