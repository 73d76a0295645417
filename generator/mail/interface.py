"""What the links of the mail chain have in common: what each was asked, found, and concludes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What came of one link."""

    OK = "ok"
    WARNING = "warning"
    """It holds, with something that somebody should know."""

    FAILED = "failed"
    SKIPPED = "skipped"
    """Not asked, since a link before it failed or nobody wanted it; never a success."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that explains a failure, and what to do about it."""

    what: str
    """The cause, one sentence; never a token, a secret or a message body."""

    fix: str
    """The next step: a command, a setting and where it is."""


@dataclass(frozen=True, slots=True)
class LinkResult:
    """One link of the chain."""

    name: str
    """Stable identifier: `token`, `claims`, `smtp-auth`."""

    title: str
    """What the link is, for a reader: `Token from Microsoft Entra ID`."""

    verdict: Verdict
    checked: str
    """What was asked, of whom."""

    answered: str = ""
    """What came back, in the other side's own words where it has any; never a secret."""

    code: str = ""
    """Stable identifier of what was found wrong: `aadsts-7000215`, `smtp-535-5.7.3`; else empty."""

    causes: tuple[Cause, ...] = ()
    """What explains it, the likeliest first."""

    seconds: float = 0.0
    """How long the link took."""


class Proven(StrEnum):
    """How far a verification came."""

    NOTHING = "nothing"
    GRANTED = "granted"
    """The instance gets a token with what it holds; that a message leaves is not known."""

    AUTHENTICATED = "authenticated"
    """The SMTP server accepted the token; that a message leaves is not known."""

    WORKS = "works"
    """A message was accepted at the end of DATA."""


@dataclass(frozen=True, slots=True)
class Verification:
    """A whole chain."""

    links: Sequence[LinkResult]
    """In the order of the chain, skipped ones included."""

    proven: Proven

    @property
    def ok(self) -> bool:
        """Whether no link failed and something was proven."""
        failed = any(link.verdict is Verdict.FAILED for link in self.links)
        return not failed and self.proven is not Proven.NOTHING
