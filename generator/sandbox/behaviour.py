"""Every switch of the sandbox: what it does differently from a healthy developer instance.

`spec/instance-http.md` B4 and what the issue adds. Defaults are a healthy, current developer
instance, strict where sources disagree. A switch may be set at any time: by the constructor, on
the command line (`parse`), over HTTP (`generator.sandbox.control`), or by plain assignment.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from generator.sandbox.switch_board import SwitchBoard, parse_board, switches_of
from generator.sandbox.switch_values import Cut, PlannedProblem, RateLimit
from generator.sandbox.switches import (
    Grade,
    Switch,
    changes,
    choice,
    cut,
    flag,
    names,
    number,
    problems,
    rate_limit,
    share,
    text,
    turn,
)

DOC, PLAT, MEAS, TP, INF, OWN, *_ = Grade


@dataclass(slots=True)
class Behaviour(SwitchBoard):
    """All switches; `metadata["switch"]` of each field says what it takes and does."""

    # Is anybody there (A2)
    hibernating: bool = flag(help="Every path answers 200 with the hibernation page.", grade=MEAS)
    no_node: bool = flag(help="Every path answers 502 with 153 bytes of HTML.", grade=MEAS)
    flaky_502: float = share(help="This share of requests answers 502.", grade=MEAS)
    outage_502: int = number(0, help="The next N requests answer 502.", grade=MEAS)
    proxy_page: bool = flag(help="Every path answers 200 with a page of a proxy's.", grade=TP)
    latency_ms: int = number(0, help="Every answer comes this many milliseconds later.", grade=OWN)
    rate_limit: RateLimit = rate_limit(
        help="REST requests an hour and user; counted 30 s late; then 429.", grade=DOC
    )
    rate_limit_headers: bool = flag(
        default=True, help="Whether a 429 has Retry-After and X-RateLimit-*.", grade=TP
    )
    max_execution_time: int = turn(
        help="A REST write stands, but answers 500 Transaction cancelled.", grade=MEAS
    )
    cut_json: int = turn(help="A REST answer is 200 and its JSON is cut.", grade=MEAS)
    result_and_error: int = turn(
        help="A REST answer is 200 and holds both result and error.", grade=MEAS
    )
    cut: Cut = cut(
        help="The connection breaks before the request is processed, after it was, or in the "
        "middle of the answer (an empty one: before it); with :N at the Nth request, once.",
        grade=OWN,
    )
    cut_bytes: int = number(
        0, help="An answer breaks after N bytes of body, a shorter one before it.", grade=OWN
    )
    huge_body: int = turn(help="A REST answer's body is 80 MiB of spaces first.", grade=OWN)

    # Signing in (A3, A4)
    basic: str = choice(
        "on", "restricted", help="restricted: Basic is refused everywhere.", grade=DOC
    )
    basic_opens_ui: bool = flag(
        help="Basic opens a UI session; off: UI pages redirect it to the login.", grade=MEAS
    )
    bearer_opens_ui: bool = flag(
        default=True,
        help="off: no bearer token turns a jar's session into a UI session.",
        grade=PLAT,
    )
    mfa: str = choice(
        "off",
        "ui",
        "all",
        help="A second factor is demanded: ui of UI logins, all of API calls, too.",
        grade=DOC,
    )
    sso_only: bool = flag(help="No name and password opens a UI session.", grade=DOC)
    machine_user: bool = flag(help="All users are machines: no UI session.", grade=PLAT)
    session_seconds: int = number(
        1800, least=1, help="A UI session ends after this many idle seconds.", grade=MEAS
    )
    token_stale_after: int = number(
        0, help="A UI token is stale after N uses (0: never).", grade=DOC
    )
    oauth_seconds: int = number(
        1800, least=1, help="An access token lives this many seconds.", grade=DOC
    )
    oauth_expired: int = turn(help="A bearer token is refused as expired.", grade=DOC)
    client_credentials: str = choice(
        "on",
        "property_off",
        "no_user",
        help="Client credentials fail: their property is off, or no application user is set.",
        grade=DOC,
    )
    auth_scope: str = choice(
        "off", "demanded", help="demanded: bearer tokens lack a REST API auth scope, 403.", grade=TP
    )
    api_keys: str = choice("on", "inactive", help="inactive: API keys are not known.", grade=DOC)

    # Roles, plugins, release (A3, A5)
    missing_roles: tuple[str, ...] = names(
        accepts="ROLE,...", help="Roles that no user has.", grade=DOC
    )
    closed_tables: tuple[str, ...] = names(
        accepts="TABLE[:ROLE],...",
        help="Tables that answer 403: to everybody, or to whose access is from that role only.",
        grade=MEAS,
    )
    closed_columns: tuple[str, ...] = names(
        accepts="TABLE.COLUMN,...",
        help="Columns nobody may read: absent from answers, 403 where a query names them.",
        grade=TP,
    )
    plugin_tables: str = choice(
        "closed", "open", help="open: sys_plugins and sys_store_app may be read.", grade=MEAS
    )
    cicd: str = choice(
        "on", "inactive", "no_role", help="inactive: no such API; no_role: 403.", grade=DOC
    )
    ide: str = choice("on", "absent", help="absent: activate_flows is not there.", grade=PLAT)
    email_oauth_plugin: str = choice(
        "on", "inactive", help="inactive: no com.glide.email.oauth, no column.", grade=PLAT
    )
    missing_plugins: tuple[str, ...] = names(
        accepts="PLUGIN,...", help="Plugins that v_plugin does not list.", grade=DOC
    )
    v_plugin_lag: bool = flag(help="v_plugin calls active plugins inactive.", grade=TP)
    release: str = text(
        "australia", accepts="a name", help="What glide.war names; it hides nothing.", grade=MEAS
    )
    missing_columns: tuple[str, ...] = names(
        accepts="TABLE.COLUMN,...", help="Columns that an older release lacks.", grade=INF
    )
    production: str = choice(
        "false",
        "true",
        "missing",
        "unreadable",
        help="glide.installation.production: its value, no row, or a row nobody may read.",
        grade=DOC,
    )
    upgrading: bool = flag(help="An upgrade is not finished.", grade=MEAS)
    mutex_held: bool = flag(help="Another update operation holds Update-Mutex.", grade=PLAT)
    change_requests: tuple[Mapping[str, str], ...] = changes(
        help="Change requests that exist.", grade=DOC
    )
    strict_query: bool = flag(
        help="An unknown column in a query finds nothing, instead of being dropped.", grade=DOC
    )

    # Update sets (A6 to A11)
    upload_order: str = choice(
        "strict",
        "lenient",
        help="lenient: a file part before other fields is taken if X-UserToken is right.",
        grade=INF,
    )
    reupload: str = choice(
        "append", "upsert", help="What becomes of the children of a set that is there.", grade=MEAS
    )
    upload_reply: str = choice(
        "200", "302", help="302: the upload answers with a redirect to the list.", grade=TP
    )
    preview_problems: tuple[PlannedProblem, ...] = problems(
        help="Problems that every preview finds.", grade=OWN
    )
    preview_columns: str = choice(
        "checked",
        "ignored",
        help="ignored: a preview says nothing of fields that the table lacks or that do not fit.",
        grade=INF,
    )
    fail_records: tuple[str, ...] = names(
        accepts="UPDATE,...",
        help="Updates (patterns) whose record a commit does not write; the set is committed.",
        grade=MEAS,
    )
    slow_polls: int = number(1, help="Reads of a progress before it ends.", grade=OWN)
    stall_at: int = number(
        0, most=100, help="A progress stays at this percentage for ever (0: never).", grade=OWN
    )
    processor_gate: bool = flag(
        help="The commit processor refuses a set with open problems.", grade=PLAT
    )
    cicd_gate: str = choice(
        "refuse", "allow", help="allow: the CI/CD commit takes open problems.", grade=INF
    )
    cicd_back_out: str = choice(
        "on", "inactive", help="inactive: the CI/CD back out answers 405.", grade=DOC
    )
    data_rows: str = choice(
        "applied", "ignored", help="ignored: a commit leaves out rows of data tables.", grade=INF
    )
    cascade: bool = flag(
        default=True,
        help="off: deleting a retrieved set leaves its children as orphans.",
        grade=INF,
    )
    progress_extra_ids: bool = flag(
        default=True, help="A progress names remote and local update set.", grade=TP
    )

    # Mail (A18)
    sender_seconds: int = number(
        60, least=1, help="The SMTP sender job runs this often.", grade=DOC
    )

    revision: int = field(default=0, init=False, repr=False, compare=False)
    """Grows with every change, so that seeded rows can follow (`generator.sandbox.seed`)."""

    _turns: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)
    _lock: threading.Lock = field(
        default_factory=threading.Lock, init=False, repr=False, compare=False
    )


SWITCHES: dict[str, Switch] = switches_of(Behaviour)
"""Name to switch, in the order of the documents."""


def parse(given: Iterable[str]) -> Behaviour:
    """The behaviour that `NAME=VALUE` texts describe; a bare name switches on.

    A list switch that is given several times holds all of it.

    Raises:
        UsageError: Every text that is wrong, with the nearest switch.
    """
    return parse_board(Behaviour, given)
