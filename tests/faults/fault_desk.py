"""The example package, an instance in this process, disturbed imports, and what is left."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from packages import render
from requests import PreparedRequest, Response
from requests import exceptions as failures
from requests.adapters import BaseAdapter

from generator.cli.environments import load
from generator.clock import SteppedClock
from generator.config.environment import Environment
from generator.errors import ExitCode, Fault, GeneratorError
from generator.instance.http_instance import open_instance
from generator.instance.importer import import_package
from generator.instance.journal import open_journal
from generator.instance.package_files import Package, load_package
from generator.instance.report import Report
from generator.instance.run import Options, Run
from generator.sandbox.adapter import SandboxAdapter
from generator.sandbox.behaviour import Behaviour
from generator.sandbox.instance import Sandbox
from generator.secrets.interface import Secret
from generator.update_set.package_state import require_whole

START = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)

LAYOUTS = ("batch", "separate")

SECRET = "client-" + "s3cret-of-the-test"

EXAMPLE = Path(__file__).resolve().parents[2] / "update_sets"


class Where(StrEnum):
    """Where a connection breaks."""

    BEFORE = "before"
    AFTER = "after"
    MIDDLE = "middle"


class Lasts(StrEnum):
    """How long the disturbance lasts."""

    ONCE = "once"
    """That one request; the import may mend it by itself."""

    DEAD = "dead"
    """That request, and nothing gets through any more: the import ends there."""


@dataclass(frozen=True, slots=True)
class Break:
    """One disturbance."""

    number: int
    """Of the request, from 1."""

    where: Where
    lasts: Lasts = Lasts.ONCE


@dataclass(slots=True)
class Came:
    """What an import came to."""

    code: ExitCode
    faults: tuple[Fault, ...]
    report: Report
    said: list[str]
    sent: int
    """Requests that it tried to send, the lost ones included."""

    @property
    def codes(self) -> list[str]:
        """Codes of its faults."""
        return [fault.code for fault in self.faults]


class BreakingAdapter(BaseAdapter):
    """Sends requests to a sandbox, and breaks the connection as it is told."""

    def __init__(self, inner: SandboxAdapter, plan: Break | None) -> None:
        super().__init__()
        self._inner = inner
        self._plan = plan
        self.count = 0

    def send(self, request: PreparedRequest, *rest: object, **more: object) -> Response:
        """Answer a request, or lose it."""
        self.count += 1
        plan = self._plan
        if plan is None or self.count < plan.number:
            return self._inner.send(request, *rest, **more)  # type: ignore[arg-type]
        if self.count > plan.number:
            if plan.lasts is Lasts.DEAD:
                raise failures.ConnectionError("the line is dead", request=request)
            return self._inner.send(request, *rest, **more)  # type: ignore[arg-type]
        if plan.where is Where.BEFORE:
            raise failures.ConnectionError("cut before it was sent", request=request)
        response = self._inner.send(request, *rest, **more)  # type: ignore[arg-type]
        if plan.where is Where.AFTER:
            raise failures.ConnectionError("cut before the answer", request=request)
        return _cut_in_half(response)

    def close(self) -> None:
        """Nothing to close."""


def _cut_in_half(response: Response) -> Response:
    """The same answer, of which half the body arrives."""

    def iter_content(size: int = 1, decode_unicode: bool = False) -> object:
        whole = original(1 << 20)
        data = b"".join(whole)
        yield data[: len(data) // 2]
        raise failures.ChunkedEncodingError("Connection broken: IncompleteRead")

    original = response.iter_content
    response.iter_content = iter_content  # type: ignore[method-assign,assignment]
    return response


@dataclass(slots=True)
class Desk:
    """One rendered package, and a sandbox for it."""

    environment: Environment
    package: Package
    sandbox: Sandbox
    clock: SteppedClock
    secret: str | None = SECRET
    url: str | None = None
    """Where requests go instead, loopback only (`--instance`)."""

    sources: dict[str, str] = field(default_factory=dict)
    """Secret sources to what they yield; any other yields the administrator's password."""

    def call(
        self,
        work: Callable[[Run], None] = import_package,
        *,
        broken: Break | None = None,
        options: Options | None = None,
        on_adapter: Callable[[BaseAdapter], BaseAdapter] = lambda adapter: adapter,
    ) -> Came:
        """Do something as a call of the command line does, the line broken as said."""
        breaking = BreakingAdapter(self.sandbox.adapter(), broken)
        environment = self.environment
        said: list[str] = []
        instance = open_instance(
            environment.instance,
            url=environment.instance_url,
            override_url=self.url,
            clock=self.clock,
            secrets=lambda source: Secret(self.sources.get(source, self.sandbox.admin_password)),
            adapter=on_adapter(breaking),
            log=said.append,
        )
        report = Report("import", environment.name, instance.url, digest=self.package.digest)
        secret = self.secret
        run = Run(
            instance=instance,
            environment=environment,
            package=self.package,
            clock=self.clock,
            journal=open_journal(
                environment.directory,
                digest=self.package.digest,
                clock=self.clock,
                instance=instance.url,
            ),
            options=options or Options(),
            report=report,
            tell=said.append,
            ask=lambda question: True,
            fetch_secret=None if secret is None else lambda: Secret(secret),
            check_package=lambda: (),
        )
        try:
            work(run)
            code, faults = report.exit_code, tuple(report.faults)
        except GeneratorError as error:
            code, faults = error.exit_code, error.faults
        try:
            instance.close()
        except GeneratorError:
            pass
        return Came(code, faults, report, said, breaking.count)

    def forget(self) -> None:
        """Lose the journal, as a fresh clone has none."""
        for path in (self.environment.directory / ".import").glob("*.jsonl"):
            path.unlink()

    def state(self) -> State:
        """What is on the instance."""
        return state_of(self.sandbox, self.package)


def copy_example(target: Path, layout: str, *, instance: str = "acme-dev") -> Path:
    """The example `dev`, unrendered, with a layout; the root it lies in."""
    (target / "dev").mkdir(parents=True)
    common = (EXAMPLE / "common.yaml").read_text(encoding="utf-8")
    (target / "common.yaml").write_text(f"{common}\nlayout: {layout}\n", encoding="utf-8")
    for name in ("environment.yaml", "azure.json"):
        shutil.copyfile(EXAMPLE / "dev" / name, target / "dev" / name)
    return target


def render_example(target: Path, layout: str) -> Environment:
    """The example `dev`, rendered."""
    root = copy_example(target, layout)
    (environment,) = load(root, ("dev",), every=False, now=START)
    render(environment, START)
    return environment


def desk(environment: Environment, package: Package, **switches: object) -> Desk:
    """A fresh sandbox for a rendered package, and no journal."""
    clock = SteppedClock(START)
    behaviour = Behaviour()
    behaviour.set(switches)
    made = Desk(
        environment, package, Sandbox(name="acme-dev", behaviour=behaviour, clock=clock), clock
    )
    made.forget()
    return made


def load_rendered(environment: Environment) -> Package:
    """The package that was rendered."""
    return load_package(environment.directory, require_whole(environment.directory))


# What is left on the instance

State = Counter[str]
"""Every row in a form that does not tell when it was made and which random sys_id it got."""

_TRANSIENT = frozenset({"sys_execution_tracker", "sys_progress_worker", "syslog"})
"""Tables that say what happened, not what is."""

_VOLATILE = frozenset(
    {
        *("sys_created_on", "sys_updated_on", "sys_mod_count", "sys_recorded_at"),
        *("install_date", "commit_date", "completed_on", "payload_hash"),
        *("update_guid", "update_guid_history", "user_password"),
        *("upgrade_started", "upgrade_finished"),
    }
)
_ID = re.compile(r"\b[0-9a-f]{32}\b")
_PAYLOADS = frozenset({"sys_update_xml", "sys_update_version"})
_VERSIONS = "sys_update_version"


def state_of(sandbox: Sandbox, package: Package) -> State:
    """The rows of a sandbox, comparable between runs."""
    shipped = "".join(unit.path.read_text(encoding="utf-8") for unit in package.units)
    fixed = set(_ID.findall(shipped))
    rows = all_rows(sandbox)
    names = {
        row["sys_id"]: f"{table}:{row.get('name', '')}"
        for table, row in rows
        if row["sys_id"] not in fixed
    }

    def plain(text: str) -> str:
        return _ID.sub(lambda found: names.get(found[0], found[0]), text)

    state: State = Counter()
    local = default_sets(rows)
    for table, row in rows:
        if table in _TRANSIENT or _is_superseded(table, row, local=local):
            continue
        shown = {
            key: plain(value)
            for key, value in sorted(row.items())
            if key not in _VOLATILE and value
        }
        if "client_secret" in shown:
            shown["client_secret"] = "(set)"
        if table in _PAYLOADS and (row.get("update_set") or row.get("source")) in local:
            # A local change: it holds the ciphertext and the stamps of the record.
            shown["payload"] = "(of a local change)"
        state[f"{table} {json.dumps(shown)}"] += 1
    return state


def _is_superseded(table: str, row: Mapping[str, str], *, local: set[str]) -> bool:
    """An older version of a local change: the same secret, delivered a second time, leaves one."""
    is_local = row.get("source") in local
    return table == _VERSIONS and is_local and row.get("state") == "previous"


def default_sets(rows: list[tuple[str, Mapping[str, str]]]) -> set[str]:
    """Local sets that no commit made."""
    return {
        row["sys_id"]
        for table, row in rows
        if table == "sys_update_set" and not row.get("remote_sys_id")
    }


def all_rows(sandbox: Sandbox) -> list[tuple[str, dict[str, str]]]:
    """Every row with its class."""
    found = sandbox.database._execute("SELECT class, data FROM record ORDER BY class, sys_id", ())
    return [(str(table), json.loads(data)) for table, data in found]


def difference(found: State, wanted: State) -> str:
    """What differs, readable."""
    more, less = found - wanted, wanted - found
    lines = [f"+ {line}" for line in more.elements()]
    lines += [f"- {line}" for line in less.elements()]
    return "\n".join(sorted(lines))


def commits(desk: Desk) -> dict[str, int]:
    """How often each of our sets was committed: the local sets that say so."""
    count = desk.sandbox.database.count
    return {
        entry.sys_id: count("sys_update_set", f"remote_sys_id={entry.sys_id}")
        for entry in desk.package.sets
    }


def begun_commits(desk: Desk) -> int:
    """How many commits the instance began."""
    query = "nameSTARTSWITHCommitting update set"
    return desk.sandbox.database.count("sys_execution_tracker", query)


def orphans(desk: Desk) -> int:
    """Updates without a set, previews without an update, problems without either."""
    query = desk.sandbox.database.query
    sets = {row["sys_id"] for row in query("sys_remote_update_set")}
    locals_ = {row["sys_id"] for row in query("sys_update_set")}
    updates = {row["sys_id"] for row in query("sys_update_xml")}
    lost = sum(
        row.get("remote_update_set", "") not in sets and row.get("update_set", "") not in locals_
        for row in query("sys_update_xml")
    )
    lost += sum(row.get("remote_update") not in updates for row in query("sys_update_preview_xml"))
    lost += sum(
        row.get("remote_update") not in updates for row in query("sys_update_preview_problem")
    )
    return lost
