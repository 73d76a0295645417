"""The contract suite: plain HTTP to the sandbox, or to a real instance.

`docs/contract.md` says how to run it. Without `--instance` it starts the sandbox and may write;
with it, it reads, unless `--write` is given and the instance says that it is no production.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from contract_client import Answer, Rest, Target, Ui, anonymous
from contract_report import ANSWER, PROBE, RELEASE, collect, markdown
from contract_scratch import NOTHING, SYS_ID, Scratch, collecting
from contract_sets import PREFIX

from generator.clock import SteppedClock, SystemClock
from generator.secrets.interface import Secret

USER, PASSWORD = "SN_SMTP_USER", "SN_SMTP_PASSWORD"
CLIENT_ID, CLIENT_SECRET = "SN_SMTP_CLIENT_ID", "SN_SMTP_CLIENT_SECRET"
READER, READER_PASSWORD = "SN_SMTP_READER_USER", "SN_SMTP_READER_PASSWORD"
SANDBOX_START = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
PRODUCTION = "glide.installation.production"
MADE_IN = (
    ("sys_remote_update_set", "name"),
    ("sys_update_set", "name"),
    ("sys_update_xml", "target_name"),
    ("sys_properties", "name"),
    ("oauth_entity", "name"),
    ("oauth_entity_profile", "name"),
    ("oauth_entity_scope", "name"),
    ("sys_email_account", "name"),
)
"""Tables of what the suite makes, and the column that carries the mark."""

NO_RESOURCE = "Requested URI does not represent any resource"

NewUi = Callable[[], Ui]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("contract", "the contract suite (tests/contract)")
    group.addoption("--instance", metavar="URL", help="ask this instance instead of the sandbox")
    group.addoption(
        "--write", action="store_true", help="allow tests that change something and undo it"
    )
    group.addoption("--patient", action="store_true", help="allow probes that idle for 35 minutes")
    group.addoption(
        "--action",
        action="append",
        default=[],
        metavar="SYS_ID",
        help="a draft Flow Designer action that a probe may publish",
    )
    group.addoption(
        "--switch",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a switch of the sandbox that is asked (sn-smtp sandbox --list-switches)",
    )
    group.addoption("--report", metavar="FILE", help="write the probes' answers as Markdown")


def pytest_configure(config: pytest.Config) -> None:
    url = _option(config, "--instance")
    if url:
        if getattr(config.option, "numprocesses", None):
            raise pytest.UsageError("an instance is asked one request at a time: leave -n out")
        _instance(config, str(url), run="")


def _option(config: pytest.Config, name: str) -> str | bool | list[str] | None:
    """An option; none where this file was found too late for its options to be known."""
    found: str | bool | list[str] | None = config.getoption(name, default=None)
    return found


# The target


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """The instance that is asked."""
    url = _option(request.config, "--instance")
    run = secrets.token_hex(4)
    if url:
        yield _instance(request.config, str(url), run=run)
        return
    pytest.importorskip("werkzeug", reason="the sandbox needs the extra `sandbox`")
    from generator.sandbox.base_rows import PLAIN_USER
    from generator.sandbox.behaviour import parse
    from generator.sandbox.instance import Sandbox
    from generator.sandbox.seed import add_oauth_client, put_property

    clock = SteppedClock(SANDBOX_START)
    switches = _option(request.config, "--switch")
    behaviour = parse(switches if isinstance(switches, list) else ())
    with Sandbox(clock=clock, behaviour=behaviour) as sandbox:
        sandbox.behaviour.change_requests = "CHG0030001"
        # As a clone has it: only then may the probe of two active accounts act.
        put_property(sandbox, "glide.email.smtp.active", "false")
        client = ("contract", Secret(secrets.token_urlsafe(18)))
        add_oauth_client(sandbox, client[0], secret=client[1].reveal())
        yield Target(
            url=sandbox.url,
            user=sandbox.admin_user,
            password=Secret(sandbox.admin_password),
            clock=clock,
            may_write=True,
            patient=True,
            run=run,
            client=client,
            reader=(PLAIN_USER, Secret(sandbox.admin_password)),
            sandbox=sandbox,
        )


def _instance(config: pytest.Config, url: str, *, run: str) -> Target:
    parts = urlsplit(url)
    on_loopback = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or not (parts.scheme == "https" or on_loopback):
        raise pytest.UsageError("--instance wants https://HOST")
    if parts.username or parts.path.strip("/") or parts.query:
        raise pytest.UsageError("--instance wants https://HOST, without user, path and query")
    user, password = os.environ.get(USER), os.environ.get(PASSWORD)
    if not user or not password:
        raise pytest.UsageError(f"set {USER} and {PASSWORD}; they are no arguments")
    return Target(
        url=f"{parts.scheme}://{parts.netloc}",
        user=user,
        password=Secret(password),
        clock=SystemClock(),
        may_write=bool(_option(config, "--write")),
        patient=bool(_option(config, "--patient")),
        run=run,
        client=_pair(CLIENT_ID, CLIENT_SECRET),
        reader=_pair(READER, READER_PASSWORD),
    )


def _pair(name: str, secret: str) -> tuple[str, Secret] | None:
    """A name and its secret from two variables; None unless both are set."""
    given, hidden = os.environ.get(name), os.environ.get(secret)
    return (given, Secret(hidden)) if given and hidden else None


@pytest.fixture(scope="session")
def rest(target: Target) -> Iterator[Rest]:
    """REST calls as the user; nothing is asked of an instance that sleeps."""
    caller = Rest(target)
    awake = caller.send(
        "GET",
        "/api/now/table/sys_user",
        params={"sysparm_limit": "1"},
        auth=anonymous,
    )
    if awake.status != 401:
        caller.close()
        pytest.exit(f"the instance does not answer as one that is awake: {awake.line()}", 1)
    known = caller.query("sys_user", "user_name=javascript:gs.getUserName()", fields="user_name")
    if known.status == 401:
        caller.close()
        pytest.exit("401: the name or password is wrong, or Basic is restricted here (A3)", 1)
    yield caller
    caller.close()


@pytest.fixture(scope="session")
def reader(target: Target) -> Iterator[Rest | None]:
    """REST calls as a user without roles, if one is named."""
    if target.reader is None:
        yield None
        return
    caller = Rest(replace(target, user=target.reader[0], password=target.reader[1]))
    yield caller
    caller.close()


@pytest.fixture(scope="session")
def actions(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Actions that may be published."""
    given = _option(request.config, "--action")
    found = tuple(given) if isinstance(given, list) else ()
    assert all(SYS_ID.fullmatch(sys_id) for sys_id in found), "--action wants sys_ids"
    return found


@pytest.fixture(scope="session")
def me(rest: Rest) -> dict[str, str]:
    """Who asks (A5): `sys_id`, `user_name`."""
    query = "user_name=javascript:gs.getUserName()"
    rows = rest.find("sys_user", query, fields="sys_id,user_name")
    assert len(rows) == 1
    return rows[0]


@pytest.fixture(scope="session")
def settings(rest: Rest) -> dict[str, str]:
    """Name, production mark and release of the instance (A5), as far as they can be read."""
    query = f"name=instance_name^ORname={PRODUCTION}^ORname=glide.war"
    rows = rest.find("sys_properties", query, fields="name,value")
    return {row["name"]: row.get("value", "") for row in rows}


# Sessions


@pytest.fixture
def new_ui(target: Target) -> Iterator[NewUi]:
    """Empty UI sessions, which end with the test."""
    with ExitStack() as stack:

        def make() -> Ui:
            ui = Ui(target)
            stack.callback(ui.sign_out)
            return ui

        yield make


@pytest.fixture(scope="session")
def _kept_ui(target: Target, rest: Rest) -> Iterator[list[Ui]]:
    kept: list[Ui] = []
    yield kept
    for ui in kept:
        ui.sign_out()


@pytest.fixture
def ui(target: Target, _kept_ui: list[Ui]) -> Ui:
    """A UI session with its token; one for all tests, opened anew when it has ended."""
    if _kept_ui and _opens(_kept_ui[0].page()):
        return _kept_ui[0]
    while _kept_ui:
        _kept_ui.pop().close()
    for way in (Ui.sign_in, Ui.basic, Ui.form):
        found = Ui(target)
        way(found)
        if _opens(found.page()):
            _kept_ui.append(found)
            return found
        found.close()
    pytest.skip("no way of A4 opens a UI session for this user (MFA, SSO, machine user?)")


def _opens(page: Answer) -> bool:
    return page.status == 200 and page.headers.get("X-Is-Logged-In") == "true" and _has_form(page)


def _has_form(page: Answer) -> bool:
    return 'sysparm_ck"' in page.text


# Writing


@pytest.fixture(scope="session")
def may_write(target: Target, rest: Rest, request: pytest.FixtureRequest) -> Iterator[None]:
    """Skips unless writing was allowed, and the instance says that it is no production (A5).

    At the end nothing that carries the run's mark may be left.
    """
    if not target.may_write:
        pytest.skip("changes something on the instance: needs --write")
    settings: dict[str, str] = request.getfixturevalue("settings")
    if settings.get(PRODUCTION) != "false":
        pytest.skip(f"{PRODUCTION} does not read `false`: nothing is written here")
    yield
    mark = f"{PREFIX}.{target.run}"
    left = {
        f"{table} {row['sys_id']}"
        for table, column in MADE_IN
        for row in rest.find(table, f"{column}STARTSWITH{mark}", fields=f"sys_id,{column}")
        if row[column].startswith(mark)
    }
    assert left == set(), "not removed; please delete by hand"


@pytest.fixture
def scratch(
    may_write: None, target: Target, rest: Rest, ui: Ui, me: dict[str, str]
) -> Iterator[Scratch]:
    """Makes things and removes them all; fails if something is left."""
    made = Scratch(target, rest)
    with collecting(rest, ui, run=target.run, user=me["sys_id"]):
        try:
            yield made
        finally:
            left = made.clean()
    assert left == [], "not removed; please delete by hand"


@pytest.fixture(scope="session")
def cicd(rest: Rest) -> None:
    """Skips unless the CI/CD API is there for this user (A5)."""
    answer = rest.get(f"/api/sn_cicd/progress/{NOTHING}")
    message, _ = answer.error()
    if answer.status != 404 or message == NO_RESOURCE:
        pytest.skip(f"the CI/CD API is not usable for this user: {answer.line()}")


# The report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    callspec = getattr(item, "callspec", None)
    probe = callspec.params.get("probe") if callspec else None
    if probe is not None and report.when in ("setup", "call"):
        report.user_properties.append((PROBE, probe.key))
    return report


@pytest.fixture
def noted(
    record_property: Callable[[str, object], None], settings: dict[str, str]
) -> Callable[[str], None]:
    """Take an answer into the report."""

    def note(answer: str) -> None:
        record_property(ANSWER, answer)
        record_property(RELEASE, settings.get("glide.war", "unknown"))

    return note


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    found = collect(terminalreporter.stats)
    if not found:
        return
    terminalreporter.section("what only a real instance can say")
    asked = str(_option(config, "--instance") or "the sandbox")
    for entry in found:
        terminalreporter.write_line(f"{entry.key}  {entry.question}")
        for line in entry.lines:
            terminalreporter.write_line(f"     {line}")
    file = _option(config, "--report")
    if file:
        page = markdown(found, instance=asked, now=SystemClock().now())
        Path(str(file)).write_text(page, encoding="utf-8")
        terminalreporter.write_line(f"written: {file}")
