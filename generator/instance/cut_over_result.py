"""What a cut-over found, did and left, for people and for `--json`."""

from __future__ import annotations

from dataclasses import dataclass, field

from generator.instance.cut_over_accounts import SmtpAccount
from generator.instance.cut_over_mail import FailedMail
from generator.instance.cut_over_message import TestMessage
from generator.instance.report import Report


@dataclass(slots=True)
class CutOverResult:
    """What is known so far; filled while the work goes on, so that a failure tells it, too."""

    account: SmtpAccount | None = None
    """Ours, as it was at first; None if that is not known, or it is not on the instance."""

    before: tuple[SmtpAccount, ...] | None = None
    """SMTP accounts that were active before anything was written; None if nobody could tell."""

    active: tuple[SmtpAccount, ...] | None = None
    """Those that were active when it was read last."""

    outbound: str | None = None
    """`glide.email.smtp.active` as it stands; None where it is missing or cannot be read."""

    redirected_to: str = ""
    """Addresses that all mail goes to instead; empty if it goes where it should."""

    waiting: int | None = None
    """Messages that waited to be sent at the beginning; None if they could not be counted."""

    test: TestMessage | None = None
    put_back: bool | None = None
    """Whether everything reads as before, where putting back was tried."""

    failed_mail: list[FailedMail] = field(default_factory=list)
    """Messages that failed meanwhile, before everything was put back."""

    live: bool | None = None
    """What the environment file must say now; None where nothing follows for it."""

    @property
    def line(self) -> str:
        """The line for the environment file; empty where nothing follows for it."""
        if self.live is None:
            return ""
        return f"email_account: {{live: {'true' if self.live else 'false'}}}"

    def as_json(self, report: Report) -> dict[str, object]:
        """JSON-ready; `docs/json/activate.schema.json`.

        Args:
            report: Of the same call.
        """
        plain = report.as_json()
        shared = ("environment", "instance", "instance_name", "mode", "digest", "steps", "notes")
        return {
            **{name: plain[name] for name in shared},
            "account": None if self.account is None else self.account.as_json(),
            "active_before": _listed(self.before),
            "active": _listed(self.active),
            "outbound_mail": self.outbound,
            "redirected_to": self.redirected_to,
            "waiting": self.waiting,
            "test": None if self.test is None else self.test.as_json(),
            "put_back": self.put_back,
            "failed_mail": [entry.as_json() for entry in self.failed_mail],
            "differences": plain["differences"],
            "line": self.line,
            "requests": plain["requests"],
            "waited_seconds": plain["waited_seconds"],
        }


def _listed(accounts: tuple[SmtpAccount, ...] | None) -> list[dict[str, str]] | None:
    return None if accounts is None else [entry.as_json() for entry in accounts]
