"""`sn-smtp verify`: the mail chain, proven link by link."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from generator.cli.call_options import CallOptions, instance_command
from generator.cli.mail_options import mail_options
from generator.cli.options import FileName
from generator.cli.output import Outcome, Session
from generator.cli.report_file import write_report
from generator.errors import ConfigError, ExitCode, Fault, InternalError, UsageError

if TYPE_CHECKING:
    from generator.config.environment import Environment
    from generator.instance.run import Run
    from generator.mail.interface import LinkResult, Verification

LOCAL, INSTANCE = "local", "instance"


@click.command(
    epilog="Exit codes: 0 no link failed, and the last sentence says how much that proves; 1 the "
    "instance (with --from instance) or the vault of the secret did not clearly answer; 2 usage or "
    "configuration, or the secret or a file cannot be had; 6 a link failed: a refusal, or a server "
    "of the chain that does not answer."
)
@click.option(
    "--from",
    "asked",
    type=click.Choice([LOCAL, INSTANCE]),
    default=LOCAL,
    show_default=True,
    help="Who walks the chain: this machine, or the instance with what it holds.",
)
@click.option(
    "--send-to",
    metavar="ADDRESS",
    help="Send a real message there, to the end; only that proves that mail leaves.",
)
@click.option(
    "--exchange",
    multiple=True,
    type=FileName(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Export of Exchange's objects (Get-ServicePrincipal and others, as JSON); may be "
    "repeated.",
)
@click.option(
    "--two-step",
    is_flag=True,
    help="Speak XOAUTH2 in two steps: AUTH first, the token after the server's 334.",
)
@click.option(
    "--junit",
    type=FileName(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the links as JUnit XML, too.",
)
@mail_options
@instance_command
def verify(
    session: Session,
    given: CallOptions,
    *,
    asked: str,
    send_to: str | None,
    exchange: tuple[Path, ...],
    two_step: bool,
    junit: Path | None,
    smtp: str | None,
) -> Outcome:
    """Prove the mail chain of ENV: secret, token, claims, SMTP server, sign-in, message.

    Nothing is changed, and nothing is sent without --send-to: safe to run every hour. Each failed
    link names its causes, the likeliest first, with the fix (docs/verify.md).
    """
    from generator.cli.environments import load
    from generator.clock import read_clock

    _check(asked, send_to=send_to, exchange=exchange, two_step=two_step)
    if asked == INSTANCE:
        name, verification, stand_ins = _through_instance(session, given)
    else:
        now = read_clock(os.environ)
        (loaded,) = load(given.root, (given.environment,), every=False, now=now)
        name = loaded.name
        verification, stand_ins = _from_here(
            session,
            loaded,
            send_to=send_to,
            exchange=exchange,
            two_step=two_step,
            entra=given.entra,
            smtp=smtp,
            mail_ca=given.mail_ca,
        )
    return _outcome(
        verification,
        environment=name,
        asked=asked,
        send_to=send_to,
        junit=junit,
        stand_ins=stand_ins,
    )


def _check(asked: str, *, send_to: str | None, exchange: tuple[Path, ...], two_step: bool) -> None:
    """Refuse wishes that cannot be fulfilled, before anything is asked.

    Raises:
        UsageError: Not with --from instance; or the address is none.
    """
    from generator.mail.message import is_address

    if asked == INSTANCE and (send_to or exchange or two_step):
        raise UsageError(
            Fault(
                "usage",
                "--send-to, --exchange and --two-step are for --from local: the instance signs in "
                "and sends by itself.",
                next="leave them out; sn-smtp activate has the instance send a test message",
            )
        )
    if send_to is not None and not is_address(send_to):
        raise UsageError(
            Fault(
                "test-address",
                "--send-to is no single address of plain letters.",
                path="--send-to",
                next="give one address, like mail@example.com",
            )
        )


def _from_here(
    session: Session,
    environment: Environment,
    *,
    send_to: str | None,
    exchange: tuple[Path, ...],
    two_step: bool,
    entra: str | None,
    smtp: str | None,
    mail_ca: Path | None,
) -> tuple[Verification, tuple[str, ...]]:
    from generator.cli.call_secrets import fetcher
    from generator.cli.mail_options import mail_side
    from generator.mail.chain import verify_local
    from generator.mail.settings import is_loopback
    from generator.mail.smtp_session import Steps

    fetch = fetcher(environment)
    if fetch is None:
        raise ConfigError(
            Fault(
                "no-secret-source",
                "Nothing says where the client secret comes from.",
                file=str(environment.directory / "environment.yaml"),
                path="azure.client_secret_from",
                next="name its source, like env:NAME or file:PATH; or ask the instance, which "
                "has the secret: --from instance",
            )
        )
    settings, network = mail_side(environment, entra=entra, smtp=smtp, mail_ca=mail_ca)
    hosts = {"Microsoft Entra ID": settings.login_host, "the SMTP server": settings.smtp_host}
    verification = verify_local(
        settings,
        fetch_secret=fetch,
        network=network,
        send_to=send_to,
        exchange=exchange,
        notices=environment.notices,
        steps=Steps.TWO if two_step else Steps.ONE,
        tell=session.message,
    )
    return verification, tuple(name for name, host in hosts.items() if is_loopback(host))


def _through_instance(
    session: Session, given: CallOptions
) -> tuple[str, Verification, tuple[str, ...]]:
    from generator.cli.instance_call import opened
    from generator.cli.mail_options import mail_side
    from generator.instance.mail_links import instance_links
    from generator.mail.entra_errors import causes_of
    from generator.mail.interface import Proven, Verdict, Verification
    from generator.mail.settings import is_loopback

    with opened(session, given.call()) as run:
        settings, _ = mail_side(
            run.environment, entra=given.entra, smtp=None, mail_ca=given.mail_ca
        )
        seen = instance_links(run, explain=partial(causes_of, error="", settings=settings))
        # Last, so that nobody waits for it where no instance answers.
        links = (_package_link(run), *seen)
        host = urlsplit(run.instance.url).hostname or ""
    failed = any(link.verdict is Verdict.FAILED for link in links)
    verification = Verification(links, Proven.NOTHING if failed else Proven.GRANTED)
    return run.environment.name, verification, ("the instance",) if is_loopback(host) else ()


def _package_link(run: Run) -> LinkResult:
    """Whether the package, which the instance is held against, is the environment's own."""
    from generator.mail.interface import Cause, LinkResult, Verdict

    faults = run.check_package()
    return LinkResult(
        "instance-package",
        "Package of the environment",
        Verdict.WARNING if faults else Verdict.OK,
        f"the files of {run.environment.directory} against what would be rendered now",
        "" if faults else "what would be rendered now",
        f"package-{faults[0].code}" if faults else "",
        tuple(Cause(fault.message, fault.next or "Render it anew.") for fault in faults),
    )


def _outcome(
    verification: Verification,
    *,
    environment: str,
    asked: str,
    send_to: str | None,
    junit: Path | None,
    stand_ins: tuple[str, ...],
) -> Outcome:
    from generator.cli.verify_text import conclusion, verify_text
    from generator.mail.interface import Verdict

    faults = tuple(_fault(link) for link in verification.links if link.verdict is Verdict.FAILED)
    exit_code = ExitCode.OK if verification.ok else ExitCode.VERIFICATION_FAILED
    if junit is not None:
        from generator.report import junit_links

        text = junit_links.write(verification, environment=environment, asked=asked)
        try:
            write_report(junit, text)
        except InternalError as error:
            # What was found, and that a message may have left, is told all the same.
            faults += error.faults
            exit_code = error.exit_code if verification.ok else exit_code
    return Outcome(
        result={
            "environment": environment,
            "from": asked,
            "proven": verification.proven.value,
            "conclusion": conclusion(verification, asked=asked, stand_ins=stand_ins),
            "stand_ins": list(stand_ins),
            "sent_to": send_to,
            "links": [
                {
                    "name": link.name,
                    "title": link.title,
                    "verdict": link.verdict.value,
                    "checked": link.checked,
                    "answered": link.answered,
                    "code": link.code,
                    "causes": [{"what": one.what, "fix": one.fix} for one in link.causes],
                    "seconds": round(link.seconds, 3),
                }
                for link in verification.links
            ],
        },
        text=verify_text(verification, environment=environment, asked=asked, stand_ins=stand_ins),
        exit_code=exit_code,
        faults=faults,
    )


def _fault(link: LinkResult) -> Fault:
    """A failed link as an error: what came back, and its likeliest cause as no more than that."""
    # Codes of errors have no dots: `smtp-535-5.7.3` is `smtp-535-5-7-3`.
    code = link.code.replace(".", "-")
    if not link.causes:
        return Fault(code, f"{link.title}: {link.answered}", path=link.name)
    first, answered = link.causes[0], link.answered.rstrip(".")
    said = f"{answered}. Likeliest cause: " if answered and answered not in first.what else ""
    return Fault(code, f"{link.title}: {said}{first.what}", path=link.name, next=first.fix)
