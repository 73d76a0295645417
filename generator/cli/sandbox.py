"""`sn-smtp sandbox`: a local instance to try everything against."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.cli.options import FileName, answers, root_option
from generator.cli.output import Outcome, Session
from generator.errors import Fault, UsageError

if TYPE_CHECKING:
    from generator.config.environment import Environment
    from generator.sandbox.mail.stand_in import MailSandbox
    from generator.sandbox.server import Role, Running
    from generator.sandbox.switch_board import SwitchBoard


@click.command(
    epilog="Exit codes: 0 ended by SIGINT or SIGTERM; 2 usage or configuration, a port that is "
    "taken, or the extra that is not installed."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1; 0 is a free one."
)
@click.option("--tls", is_flag=True, help="Serve with TLS; a throw-away CA's file is printed.")
@click.option(
    "--data",
    type=FileName(path_type=Path, file_okay=False),
    help="Directory that keeps the data; without it they end with the sandbox.",
)
@click.option(
    "--write-env",
    type=FileName(path_type=Path, dir_okay=False),
    help="Write SN_SMTP_INSTANCE and the variables that the environment's sources name (mode "
    "0600).",
)
@click.option(
    "--for",
    "environment",
    metavar="ENV",
    help="Stand in for this environment's instance: its name, production, ways to sign in.",
)
@root_option
@click.option(
    "--switch",
    "switches",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a switch; may be given several times.",
)
@click.option(
    "--mail",
    is_flag=True,
    help="Also run stand-ins for Microsoft Entra ID, Graph and Exchange Online (needs --for).",
)
@click.option(
    "--mail-switch",
    "mail_switches",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a switch of the mail stand-ins; may be given several times.",
)
@click.option("--list-switches", is_flag=True, help="List the switches and end.")
@answers
def sandbox(
    session: Session,
    *,
    port: int,
    tls: bool,
    data: Path | None,
    write_env: Path | None,
    environment: str | None,
    root: Path,
    switches: tuple[str, ...],
    mail: bool,
    mail_switches: tuple[str, ...],
    list_switches: bool,
) -> Outcome:
    """Run a local instance on loopback until SIGINT (Ctrl-C) or SIGTERM ends it.

    Prints its URL, a user and a random password. See docs/sandbox.md.
    """
    _require_extra(mail=mail)
    from generator.sandbox import server
    from generator.sandbox.behaviour import parse

    if list_switches:
        return _switches()
    loaded = None if environment is None else _load(root, environment)
    role = server.Role() if loaded is None else _role(loaded)
    behaviour = parse(_with_own(switches, role, mail=mail))
    stand_ins = _stand_ins(loaded, mail=mail, switches=mail_switches, data=data)
    if write_env is not None:
        _check_directory(write_env)
    running = server.run(
        behaviour=behaviour,
        role=role,
        port=port,
        tls=tls,
        data=data,
        on_line=lambda line: _tell(session, line),
        mail=stand_ins,
    )
    try:
        if write_env is not None:
            _write_env(running, write_env)
    except BaseException:
        running.stop()
        raise
    # The answer is printed when this function has returned; only then is it time to wait.
    click.get_current_context().call_on_close(lambda: _serve(session, running))
    return _started(running, write_env)


def _check_directory(path: Path) -> None:
    """Refuse a file that has nowhere to be, before anything starts."""
    if not path.parent.is_dir():
        raise _not_written(path, "its directory is not there")


def _write_env(running: Running, path: Path) -> None:
    try:
        running.write_env(path)
    except OSError as error:
        raise _not_written(path, error.strerror or type(error).__name__) from None


def _not_written(path: Path, why: str) -> UsageError:
    return UsageError(
        Fault(
            "write-env",
            f"{path} cannot be written: {why}.",
            path="--write-env",
            next="name a file in a directory that is there and yours to write",
        )
    )


def _serve(session: Session, running: Running) -> None:
    from generator.sandbox import server

    try:
        # Where the answer could not be printed, nobody will come.
        if sys.exc_info()[0] is None:
            session.message("Ctrl-C ends it.")
            server.wait_for_end()
    finally:
        running.stop()


def _tell(session: Session, line: str) -> None:
    """What no route answers is always told, the rest of the log with `--verbose`."""
    if line.startswith("unsupported "):
        session.message(line)
    else:
        session.detail(line)


def _require_extra(*, mail: bool) -> None:
    from importlib.util import find_spec

    needed = ("werkzeug", "trustme", *(("aiosmtpd", "jwt") if mail else ()))
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise UsageError(
            Fault(
                "missing-extra",
                f"The sandbox needs {' and '.join(missing)}, which is not installed.",
                next="pip install 'sn-smtp-oauth[sandbox]'",
            )
        )


def _load(root: Path, name: str) -> Environment:
    import os

    from generator.cli.environments import load
    from generator.clock import read_clock

    (loaded,) = load(root, (name,), every=False, now=read_clock(os.environ))
    return loaded


def _role(loaded: Environment) -> Role:
    from generator.sandbox.server import Role

    return Role.of(
        loaded.instance_url,
        settings=loaded.instance,
        client_secret_from=loaded.azure.client_secret_from,
    )


def _stand_ins(
    loaded: Environment | None, *, mail: bool, switches: tuple[str, ...], data: Path | None
) -> MailSandbox | None:
    """The mail stand-ins, if they are wanted.

    Raises:
        UsageError: There is no environment that says whose they are, or a switch is wrong.
    """
    if not mail and not switches:
        return None
    if loaded is None or not mail:
        raise UsageError(
            Fault(
                "mail-without-environment",
                "The mail stand-ins play the tenant, the application and the mailbox of an "
                "environment.",
                path="--mail" if mail else "--mail-switch",
                next="give --mail and --for ENV",
            )
        )
    from generator.sandbox.mail.for_environment import stand_ins_for
    from generator.sandbox.mail.mail_switches import parse_mail

    return stand_ins_for(loaded, behaviour=parse_mail(switches), data=data)


def _with_own(switches: tuple[str, ...], role: Role, *, mail: bool) -> tuple[str, ...]:
    """The switches, after what the environment says and what a person can wait for."""
    own = ("sender_seconds=5",) if mail else ()
    if role.settings.production is not None:
        own = (*own, f"production={'true' if role.settings.production else 'false'}")
    return (*own, *switches)


def _started(running: Running, write_env: Path | None) -> Outcome:
    made = running.sandbox
    lines = [
        f"url       {running.url}",
        f"instance  {made.name}",
        f"user      {made.admin_user}",
        f"password  {made.admin_password}",
    ]
    if running.ca_file is not None:
        lines.append(f"CA file   {running.ca_file}")
    if write_env is not None:
        lines.append(f"env file  {write_env}")
    mail = _mail(running)
    if mail is not None:
        names = ("entra", "graph", "smtp", "ca_file", "mailbox")
        labels = ("entra", "graph", "smtp", "mail CA", "mailbox")
        pairs = zip(labels, (mail[name] for name in names), strict=True)
        lines += [f"{label:<10}{value}" for label, value in pairs if value is not None]
    lines += [f"note      {note}" for note in running.notes]
    return Outcome(
        result={
            "url": running.url,
            "instance_name": made.name,
            "user": made.admin_user,
            "password": made.admin_password,
            "ca_file": None if running.ca_file is None else str(running.ca_file),
            "env_file": None if write_env is None else str(write_env),
            "variables": sorted(running.variables),
            "notes": list(running.notes),
            "switches": made.behaviour.to_json(),
            "mail": mail,
        },
        text="\n".join(lines),
    )


def _mail(running: Running) -> dict[str, object] | None:
    """Where the mail stand-ins are."""
    mail = running.mail
    if mail is None:
        return None
    return {
        "entra": mail.entra_url,
        "graph": mail.graph_url,
        "smtp": f"{mail.smtp_host}:{mail.smtp_port}",
        "ca_file": str(mail.ca_file),
        "mailbox": None if mail.mailbox_path is None else str(mail.mailbox_path),
        "switches": mail.behaviour.to_json(),
    }


def _switches() -> Outcome:
    from generator.cli.tables import table
    from generator.sandbox.behaviour import Behaviour
    from generator.sandbox.mail.mail_switches import MailBehaviour

    head = ("switch", "takes", "default", "what it does", "grade")
    (rows, listed), (mail_rows, mail_listed) = _listed(Behaviour()), _listed(MailBehaviour())
    return Outcome(
        result={"switches": listed, "mail_switches": mail_listed},
        text=f"{table(head, rows)}\n\nWith --mail-switch:\n\n{table(head, mail_rows)}",
    )


def _listed(board: SwitchBoard) -> tuple[list[tuple[str, ...]], list[dict[str, object]]]:
    """The switches of a board, for a person and for a program."""
    from generator.sandbox.switch_board import switches_of

    defaults = board.to_json()
    rows: list[tuple[str, ...]] = [
        (name, switch.accepts, _as_text(defaults[name]), switch.help, str(switch.grade))
        for name, switch in switches_of(type(board)).items()
    ]
    keys = ("name", "accepts", "default", "help", "grade")
    listed = [{**dict(zip(keys, row, strict=True)), "default": defaults[row[0]]} for row in rows]
    return rows, listed


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "" if value == [] else str(value)
