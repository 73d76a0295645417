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
    from generator.sandbox.server import Role, Running


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
    list_switches: bool,
) -> Outcome:
    """Run a local instance on loopback until SIGINT (Ctrl-C) or SIGTERM ends it.

    Prints its URL, a user and a random password. See docs/sandbox.md.
    """
    _require_extra()
    from generator.sandbox import server
    from generator.sandbox.behaviour import parse

    if list_switches:
        return _switches()
    role = server.Role() if environment is None else _role(root, environment)
    behaviour = parse(_with_production(switches, role))
    if write_env is not None:
        _check_directory(write_env)
    running = server.run(
        behaviour=behaviour,
        role=role,
        port=port,
        tls=tls,
        data=data,
        on_line=lambda line: _tell(session, line),
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


def _require_extra() -> None:
    from importlib.util import find_spec

    missing = [name for name in ("werkzeug", "trustme") if find_spec(name) is None]
    if missing:
        raise UsageError(
            Fault(
                "missing-extra",
                f"The sandbox needs {' and '.join(missing)}, which is not installed.",
                next="pip install 'sn-smtp-oauth[sandbox]'",
            )
        )


def _role(root: Path, name: str) -> Role:
    import os

    from generator.cli.environments import load
    from generator.clock import read_clock
    from generator.sandbox.server import Role

    (loaded,) = load(root, (name,), every=False, now=read_clock(os.environ))
    return Role.of(
        loaded.instance_url,
        settings=loaded.instance,
        client_secret_from=loaded.azure.client_secret_from,
    )


def _with_production(switches: tuple[str, ...], role: Role) -> tuple[str, ...]:
    """The switches, after what the environment says of production."""
    if role.settings.production is None:
        return switches
    return (f"production={'true' if role.settings.production else 'false'}", *switches)


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
        },
        text="\n".join(lines),
    )


def _switches() -> Outcome:
    from generator.cli.tables import table
    from generator.sandbox.behaviour import SWITCHES, Behaviour

    defaults = Behaviour().to_json()
    rows = [
        (name, switch.accepts, _as_text(defaults[name]), switch.help, str(switch.grade))
        for name, switch in SWITCHES.items()
    ]
    keys = ("name", "accepts", "default", "help", "grade")
    listed = [{**dict(zip(keys, row, strict=True)), "default": defaults[row[0]]} for row in rows]
    return Outcome(
        result={"switches": listed},
        text=table(("switch", "takes", "default", "what it does", "grade"), rows),
    )


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "" if value == [] else str(value)
