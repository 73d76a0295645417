"""An answer that is not what was asked for, as an error with what to do.

Each names the step, method and path, status, `X-Transaction-ID` and the platform's own text, with
secrets that the text might echo taken out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from generator.errors import (
    AuthenticationError,
    Fault,
    NetworkError,
    OutcomeUnknown,
    RemoteError,
    ResponseError,
)
from generator.instance import pages
from generator.instance.calls import Answer, Call, Failure, Kind, Scrubber
from generator.instance.pages import Page
from generator.instance.refusals import CANCELLED, Refusal, platform_text, refusal

_Error = TypeVar("_Error", bound=RemoteError)

_READ_STATE = "read the state on the instance before anything is sent again"


class Messages:
    """Makes errors out of answers of one instance."""

    def __init__(self, *, host: str, scrubber: Scrubber) -> None:
        """Args: host: The instance's name. scrubber: Takes secrets out of the platform's text."""
        self._host = host
        self._scrubber = scrubber

    def clean(self, text: str, *, limit: int = 300) -> str:
        """The platform's own text without secrets, on one line, cut at so many characters."""
        return self._scrubber.clean(text, limit=limit)

    def is_hibernating(self, answer: Answer) -> bool:
        """Whether the answer is the page of an instance that sleeps (A2)."""
        return answer.is_html and pages.what_page(answer, host=self._host) is Page.HIBERNATING

    def lost(self, call: Call, failure: Failure) -> Fault:
        """A change was sent and nothing usable came back."""
        return Fault(
            "instance-outcome-unknown",
            f"{call.step}: the change was sent and its answer was lost ({call.method} "
            f"{call.path}: {failure.fault.code}); it may stand.",
            next=_READ_STATE,
        )

    def outage(self, answer: Answer, *, wait: float | None = None) -> RemoteError:
        """429, 502, 503 or 504 that stayed, or that came to a change.

        Args:
            answer: The last one.
            wait: Seconds until the next try, for which the budget was too short.
        """
        longer = f"; the next try would be in {wait:.0f} s (a longer --budget)" if wait else ""
        if self.is_hibernating(answer):
            return self._page(answer)
        if answer.status == 429:
            return self.error(
                NetworkError,
                answer,
                "instance-rate-limit",
                "the instance's rate limit refuses more requests for now",
                f"wait, or have the rate limit rule raised for this user{longer}",
            )
        if answer.call.kind is Kind.WRITE:
            return self.unknown(answer, "a gateway answered instead of the instance")
        return self.error(
            NetworkError,
            answer,
            "instance-no-node",
            "no application node of the instance answers (an outage, a restart or an upgrade)",
            f"look at the instance's status page, and try again later{longer}",
        )

    def unknown(self, answer: Answer, what: str) -> OutcomeUnknown:
        """A change whose answer does not say what became of it."""
        return self.error(
            OutcomeUnknown,
            answer,
            "instance-outcome-unknown",
            f"the change was sent, but {what}; it may stand",
            _READ_STATE,
        )

    def unusable(self, answer: Answer, *, code: str, what: str, step: str = "") -> RemoteError:
        """An answer with a good status that is not what was asked for."""
        if answer.call.kind is Kind.WRITE:
            return self.unknown(answer, what)
        step = step or "try again; if it stays, look at the instance's logs for the transaction"
        return self.error(ResponseError, answer, code, what, step)

    def not_json(self, answer: Answer) -> RemoteError:
        """A 2xx or 3xx that is no JSON: a page of somebody's, never data (A2)."""
        if answer.is_html or 300 <= answer.status < 400:
            return self._page(answer)
        kind = answer.media_type or "none"
        return self.unusable(
            answer, code="instance-not-json", what=f"the answer is not JSON (content type {kind})"
        )

    def refused(self, answer: Answer, *, advice: str = "") -> RemoteError:
        """An answer whose status says no.

        Args:
            answer: Of status 300 or above.
            advice: What to check where credentials were not accepted.
        """
        if answer.status < 400 or self.is_hibernating(answer):
            return self._page(answer)
        message, detail = platform_text(answer)
        said = refusal(answer, message, detail)
        if answer.status >= 500:
            return self._server_error(answer, said)
        step = advice if said.is_about_credentials and advice else said.step
        return self.error(said.error, answer, said.code, said.what, step)

    def data_and_error(self, answer: Answer, document: Mapping[str, object]) -> RemoteError:
        """A good status over an error: `result` and `error` together, or `error` alone (A2)."""
        if "result" in document:
            what = "the answer holds a result and an error at once"
        else:
            what = "the answer holds an error under a status that says success"
        return self.unusable(answer, code="instance-result-and-error", what=what)

    def _server_error(self, answer: Answer, said: Refusal) -> RemoteError:
        if answer.call.kind is Kind.WRITE:
            what = "the instance cancelled the transaction" if said.code == CANCELLED else said.what
            return self.unknown(answer, what)
        return self.error(said.error, answer, said.code, said.what, said.step)

    def _page(self, answer: Answer) -> RemoteError:
        page = pages.what_page(answer, host=self._host)
        if page is Page.HIBERNATING:
            return self.error(
                NetworkError,
                answer,
                "instance-hibernating",
                "the developer instance hibernates",
                "wake it on the developer site, signed in there as its owner (the instance's admin "
                "cannot), and start again",
            )
        if page is Page.SIGN_ON:
            other = self._scrubber.clean(pages.redirect_host(answer), limit=100)
            where = f" at {other}" if other and other != self._host else ""
            return self.error(
                AuthenticationError,
                answer,
                "instance-sign-on",
                f"the instance sends to single sign-on{where} instead of answering",
                "use a user with a local password, OAuth or an API key",
            )
        if page in (Page.LOGIN, Page.STALE_TOKEN):
            return self.error(
                AuthenticationError,
                answer,
                "instance-login-page",
                "the instance answers with its login page: the sign-in does not stand",
                "check the user and the source of its password, and that the user may use this API",
            )
        if 300 <= answer.status < 400:
            other = self._scrubber.clean(pages.redirect_host(answer), limit=100) or "another page"
            return self.error(
                ResponseError,
                answer,
                "instance-redirect",
                f"the instance redirects to {other}; redirects are not followed",
                "check instance.url",
            )
        name = self._scrubber.clean(pages.title(answer), limit=100)
        shown = f' "{name}"' if name else ""
        return self.unusable(
            answer,
            code="instance-html",
            what=f"an HTML page{shown} came instead of data",
            step="check instance.url and instance.proxy: a proxy or a maintenance page may answer",
        )

    def error(self, kind: type[_Error], answer: Answer, code: str, what: str, step: str) -> _Error:
        """The error with where it happened, and the platform's own text.

        Args:
            kind: Its class.
            answer: What it is about.
            code: Its identifier.
            what: What is wrong, without a full stop.
            step: What to do.
        """
        call = answer.call
        where = f"{call.method} {call.path}: status {answer.status}"
        if answer.transaction:
            where += f", transaction {answer.transaction}"
        own = "; ".join(part for part in platform_text(answer) if part)
        own = self._scrubber.clean(own)
        message = f"{call.step}: {self._scrubber.clean(what, limit=400)} ({where})."
        if own:
            message += f' The instance says: "{own}".'
        return kind(Fault(code, message, next=step), status=answer.status, detail=own)
