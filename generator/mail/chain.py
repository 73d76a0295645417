"""The whole chain from here: from the inputs to a message, link by link.

What does not depend on each other runs side by side: the SMTP server is reached, and TLS begun,
while Microsoft Entra ID is asked for the token. A link whose predecessor failed is skipped, and a
skipped link is never a success (`spec/azure-and-smtp.md` 5.1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from generator.aside import Aside
from generator.mail import claims as claims_link
from generator.mail import clocks as clocks_link
from generator.mail import exchange as exchange_link
from generator.mail import smtp as smtp_link
from generator.mail.claims import judge_claims, object_id, read_claims
from generator.mail.clocks import judge_clock
from generator.mail.exchange import fits, judge_exports
from generator.mail.exchange_exports import Exports, read_exports
from generator.mail.inputs import judge_inputs
from generator.mail.interface import Cause, LinkResult, Proven, Verdict, Verification
from generator.mail.message import build_message, new_marker
from generator.mail.names import Named, judge_names, resolve
from generator.mail.smtp import Evidence, Submission
from generator.mail.smtp_session import Steps, smtp_place
from generator.mail.token import Token, TokenRefused, entra_place, request_token
from generator.mail.trouble import BadAnswer, NoAnswer, Trouble

if TYPE_CHECKING:
    from generator.azure.model import Notice
    from generator.mail.network import Network
    from generator.mail.settings import MailSettings
    from generator.secrets.interface import Secret

TOKEN = ("token", "Token from Microsoft Entra ID")


def verify_local(
    settings: MailSettings,
    *,
    fetch_secret: Callable[[], Secret],
    network: Network,
    send_to: str | None = None,
    exchange: Sequence[Path] = (),
    notices: Sequence[Notice] = (),
    steps: Steps = Steps.ONE,
    marker: str = "",
    tell: Callable[[str], None] = lambda _: None,
) -> Verification:
    """Verify a chain from this machine; nothing is changed, and nothing sent unless wanted.

    Args:
        settings: The chain.
        fetch_secret: Gets the client secret.
        network: How servers are reached.
        send_to: Who gets a real message; None: none is sent.
        exchange: Exports of Exchange's objects.
        notices: Of the environment: what only warns at render may be an error here.
        steps: How XOAUTH2 is spoken.
        marker: What the subject of the message holds; empty: a new one.
        tell: Takes a line about what takes long.

    Raises:
        ConfigError: The secret, an export or the stand-ins' authority cannot be had.
        RemoteError: The vault that has the secret did not clearly answer.
    """
    exports = read_exports(exchange) if exchange else None
    secret = fetch_secret()
    submission = Submission(settings, network=network, steps=steps, tell=tell)
    smtp = Aside(lambda: _smtp_side(settings, submission, network=network))
    try:
        inputs = judge_inputs(settings, secret, notices=notices, now=network.clock.now())
        is_sound = inputs.verdict is not Verdict.FAILED
        entra = _entra_side(settings, secret if is_sound else None, network=network)
        names, tls = smtp.result()
        judged, evidence = _judged(entra.token, settings, exports)
        before = [inputs, judge_names((*entra.names, *names)), entra.link, *judged, tls]
        end = _End(settings, submission, network, evidence, send_to, marker or new_marker())
        links = [*before, *end.run(entra.token, before)]
    finally:
        # One that still connects (the user interrupts) is left to the process's end.
        if smtp.wait(0):
            submission.close()
    return Verification(tuple(links), _proven(links))


@dataclass(frozen=True, slots=True)
class _EntraSide:
    """What asking Microsoft Entra ID came to."""

    names: tuple[Named, ...]
    link: LinkResult
    token: Token | None = None


def _entra_side(settings: MailSettings, secret: Secret | None, *, network: Network) -> _EntraSide:
    place = entra_place(settings, network=network)
    began = network.clock.monotonic()
    names = ((place, resolve(place, network=network)),)
    name, title = TOKEN
    checked = f"POST {settings.token_url} for {settings.scope}"

    def side(
        verdict: Verdict,
        answered: str,
        code: str = "",
        causes: tuple[Cause, ...] = (),
        token: Token | None = None,
    ) -> _EntraSide:
        seconds = network.clock.monotonic() - began
        link = LinkResult(name, title, verdict, checked, answered, code, causes, seconds)
        return _EntraSide(names, link, token)

    if secret is None:
        return side(Verdict.SKIPPED, "The secret is not sent: see the inputs.")
    if isinstance(names[0][1], Trouble):
        return side(Verdict.SKIPPED, "Its name is not known.")
    try:
        token = request_token(settings, secret, network=network)
    except TokenRefused as refused:
        refusal = refused.refusal
        told = f"{refusal.status} {refusal.error}: {refusal.text}"
        return side(Verdict.FAILED, told, refusal.code, refusal.causes)
    except (NoAnswer, BadAnswer) as lost:
        trouble = lost.trouble
        return side(Verdict.FAILED, trouble.what, trouble.code, trouble.causes)
    told = f"a token until {token.expires_on:%Y-%m-%d %H:%M:%S} UTC"
    return side(Verdict.OK, told, token=token)


def _smtp_side(
    settings: MailSettings, submission: Submission, *, network: Network
) -> tuple[tuple[Named, ...], LinkResult]:
    place = smtp_place(settings)
    names = ((place, resolve(place, network=network)),)
    if isinstance(names[0][1], Trouble):
        return names, skipped(smtp_link.TLS, "its name is not known")
    link = submission.open()
    submission.rest()
    return names, link


def _judged(
    token: Token | None, settings: MailSettings, exports: Exports | None
) -> tuple[list[LinkResult], Evidence]:
    """The links that judge what came, and what they are evidence of."""
    if token is None:
        known = None
        links = [
            skipped(link, "there is no token") for link in (clocks_link.LINK, claims_link.LINK)
        ]
    else:
        claims = read_claims(token)
        known = object_id(claims)
        moment = token.server_date or token.answered_at
        links = [judge_clock(token), judge_claims(claims, settings, now=moment)]
    doubtful = links[-1].verdict is Verdict.WARNING
    evidence = Evidence(known, doubts=links[-1].causes if doubtful else ())
    if exports is None:
        links.append(skipped(exchange_link.LINK, "no exports were given (--exchange)"))
        return links, evidence
    links.append(judge_exports(exports, settings, object_id=known))
    return links, replace(evidence, exchange_fits=fits(links[-1], exports, settings))


@dataclass(frozen=True, slots=True)
class _End:
    """The links that sign in and send."""

    settings: MailSettings
    submission: Submission
    network: Network
    evidence: Evidence
    send_to: str | None
    marker: str

    def run(self, token: Token | None, before: Sequence[LinkResult]) -> Iterator[LinkResult]:
        """Sign in and send, as far as what came before and the user's wishes allow."""
        failed = next((link for link in before if link.verdict is Verdict.FAILED), None)
        unasked = "nobody asked for it (--send-to)"
        if failed is not None or token is None:
            why = f"failed: {failed.title}" if failed else "there is no token"
            yield skipped(smtp_link.AUTH, why)
            yield skipped(smtp_link.MESSAGE, why if self.send_to else unasked)
            return
        signed = self.submission.sign_in(token, self.evidence)
        yield signed
        if self.send_to is None:
            yield skipped(smtp_link.MESSAGE, unasked)
        elif signed.verdict is Verdict.FAILED:
            yield skipped(smtp_link.MESSAGE, f"failed: {signed.title}")
        else:
            to, marker, now = self.send_to, self.marker, self.network.clock.now()
            message = build_message(self.settings, recipient=to, marker=marker, now=now)
            yield self.submission.send(message, recipient=to, marker=marker)


def skipped(link: tuple[str, str], why: str) -> LinkResult:
    """A link that was not asked.

    Args:
        link: Its name and title.
        why: The reason, a few words.
    """
    name, title = link
    return LinkResult(name, title, Verdict.SKIPPED, "", why)


def _proven(links: Sequence[LinkResult]) -> Proven:
    done = {link.name for link in links if link.verdict is Verdict.OK}
    if smtp_link.MESSAGE[0] in done:
        return Proven.WORKS
    return Proven.AUTHENTICATED if smtp_link.AUTH[0] in done else Proven.NOTHING
