"""The client against the sandbox: every sign-in, both routes, and every switch that meets it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from instance_replies import API_KEY, BASIC, CLIENT, PASSWORD_GRANT, START
from lxml import etree

from generator.clock import SteppedClock
from generator.config.instance_settings import AuthMethod, AuthSettings, InstanceSettings
from generator.errors import (
    AuthenticationError,
    GeneratorError,
    NetworkError,
    OutcomeUnknown,
    RemoteError,
    ResponseError,
)
from generator.instance.http_instance import HttpInstance, open_instance
from generator.instance.interface import (
    Cicd,
    Operation,
    ProgressState,
    Publication,
    Read,
    Route,
    Stage,
)
from generator.sandbox.instance import Sandbox
from generator.sandbox.seed import add_api_key, add_oauth_client
from generator.secrets.interface import Secret

CANARY = "ca" + "nary-%s-" + "Zq7" * 5
PASSWORD = CANARY % "pass"
CLIENT_SECRET = CANARY % "client"
KEY = CANARY % "key"
WRITTEN = CANARY % "written"
SECRETS = {"env:PASSWORD": PASSWORD, "env:CLIENT_SECRET": CLIENT_SECRET, "env:KEY": KEY}
METHODS = {
    AuthMethod.BASIC: BASIC,
    AuthMethod.API_KEY: API_KEY,
    AuthMethod.OAUTH_CLIENT_CREDENTIALS: CLIENT,
    AuthMethod.OAUTH_PASSWORD: PASSWORD_GRANT,
}
ME = Read(
    "sys_user",
    query="user_name=javascript:gs.getUserName()",
    fields=("sys_id", "user_name"),
)
PACKAGES = Path(__file__).resolve().parents[2] / "update_sets"


@dataclass
class Both:
    """A sandbox and what its clients wrote to their logs."""

    sandbox: Sandbox
    clock: SteppedClock
    log: list[str] = field(default_factory=list)
    opened: list[HttpInstance] = field(default_factory=list)

    def open(
        self, auth: AuthSettings = BASIC, *, upload_auth: AuthSettings | None = None
    ) -> HttpInstance:
        instance = open_instance(
            InstanceSettings(auth=auth, upload_auth=upload_auth),
            url="https://sandbox.example.com",
            clock=self.clock,
            secrets=lambda source: Secret(SECRETS[source]),
            budget_seconds=300,
            log=self.log.append,
            adapter=self.sandbox.adapter(),
        )
        self.opened.append(instance)
        return instance

    def switch(self, **values: object) -> None:
        self.sandbox.behaviour.set(values)


@pytest.fixture
def both() -> Iterator[Both]:
    clock = SteppedClock(START)
    sandbox = Sandbox(clock=clock, admin_password=PASSWORD)
    add_oauth_client(sandbox, "c1", secret=CLIENT_SECRET)
    add_api_key(sandbox, KEY)
    made = Both(sandbox, clock)
    yield made
    made.sandbox.behaviour.set({"hibernating": False})
    for instance in made.opened:
        instance.close()


@pytest.fixture(scope="module")
def package() -> tuple[Path, str]:
    """The example's file, and the sys_id of its base set."""
    (path,) = (PACKAGES / "dev").glob("sys_remote_update_set_*.xml")
    tree = etree.parse(str(path))
    bases = {
        str(row.findtext("sys_id"))
        for row in tree.iter("sys_remote_update_set")
        if row.findtext("state") == "loaded"
    }
    (base,) = bases
    return path, base


def _follow(both: Both, instance: HttpInstance, operation: Operation) -> ProgressState:
    for _ in range(50):
        state = instance.progress(operation)
        if state.ended:
            return state
        both.clock.sleep(2)
    raise AssertionError("it does not end")


# Signing in


@pytest.mark.parametrize("method", METHODS)
def test_every_method_signs_in(both: Both, method: AuthMethod) -> None:
    instance = both.open(METHODS[method])
    instance.check_awake()
    (me,) = instance.read([ME])
    assert [row["user_name"] for row in me.rows] == ["admin"]


@pytest.mark.parametrize("method", [method for method in METHODS if method != AuthMethod.API_KEY])
def test_these_methods_open_the_upload(both: Both, method: AuthMethod) -> None:
    instance = both.open(METHODS[method])
    instance.check_upload()
    before = instance.requests
    instance.check_upload()
    assert instance.requests == before


def test_an_api_key_uploads_by_a_second_sign_in(both: Both) -> None:
    with pytest.raises(AuthenticationError):
        both.open(API_KEY).check_upload()
    both.open(API_KEY, upload_auth=BASIC).check_upload()


def test_basic_with_cookies_opens_the_upload_where_names_do_not(both: Both) -> None:
    both.switch(sso_only="on", basic_opens_ui="on")
    both.open().check_upload()


@pytest.mark.parametrize(
    ("switches", "text"),
    [
        ({"mfa": "ui"}, "second factor"),
        ({"machine_user": "on"}, "identity type Machine"),
        ({"sso_only": "on"}, "name and password:"),
    ],
)
def test_what_keeps_the_upload_closed_is_said(
    both: Both, switches: dict[str, str], text: str
) -> None:
    both.switch(basic_opens_ui="off", **switches)
    with pytest.raises(AuthenticationError) as caught:
        both.open().check_upload()
    assert text in str(caught.value)
    assert caught.value.faults[0].code == "instance-no-ui-session"


def test_a_token_that_opens_no_page_is_told(both: Both) -> None:
    both.switch(bearer_opens_ui="off")
    with pytest.raises(AuthenticationError) as caught:
        both.open(CLIENT).check_upload()
    assert "bearer token" in str(caught.value)


def test_a_token_that_ended_is_renewed(both: Both) -> None:
    instance = both.open(CLIENT)
    instance.read([ME])
    both.clock.sleep(3600)
    instance.read([ME])
    both.switch(oauth_expired=1)
    instance.read([ME])
    assert sum("oauth_token" in line for line in both.log) == 3


# The whole way


@pytest.mark.parametrize("route", Route)
@pytest.mark.parametrize("method", [AuthMethod.BASIC, AuthMethod.OAUTH_CLIENT_CREDENTIALS])
def test_a_package_goes_in_and_out_again(
    both: Both, package: tuple[Path, str], route: Route, method: AuthMethod
) -> None:
    path, base = package
    instance = both.open(METHODS[method])
    if route is Route.XMLHTTP:
        both.switch(cicd="inactive")
        assert instance.probe_cicd() is Cicd.INACTIVE
    else:
        assert instance.probe_cicd() is Cicd.USABLE
    instance.upload(path, set_sys_id=base)
    header = Read(
        "sys_remote_update_set",
        query=f"sys_id={base}",
        fields=("sys_id", "state", "update_set"),
    )
    assert [row["state"] for row in instance.read([header])[0].rows] == ["loaded"]
    preview = instance.preview(base, batch=True, route=route)
    assert _follow(both, instance, preview).stage is Stage.SUCCESSFUL
    assert [row["state"] for row in instance.read([header])[0].rows] == ["previewed"]
    commit = instance.commit(base, batch=True, route=route)
    assert _follow(both, instance, commit).stage is Stage.SUCCESSFUL
    (row,) = instance.read([header])[0].rows
    assert row["state"] == "committed"
    action = Read("sys_hub_action_type_definition", fields=("sys_id", "sys_scope"))
    (found,) = instance.read([action])[0].rows
    publication = instance.publish_action(found["sys_id"], scope_sys_id=found["sys_scope"])
    assert publication is Publication.PUBLISHED
    both.switch(ide="absent")
    publication = instance.publish_action(found["sys_id"], scope_sys_id=found["sys_scope"])
    assert publication is Publication.ABSENT
    back_out = instance.back_out(row["update_set"], route=route)
    assert _follow(both, instance, back_out).stage is Stage.SUCCESSFUL


def _stale(sandbox: Sandbox) -> None:
    for session in sandbox.sessions._open.values():
        session.token = "0" * 72


def _restart(sandbox: Sandbox) -> None:
    sandbox.sessions.close_all()


@pytest.mark.parametrize(("happens", "status"), [(_stale, "302"), (_restart, "200")])
def test_an_upload_that_was_turned_away_is_sent_once_more(
    both: Both, package: tuple[Path, str], happens: Callable[[Sandbox], None], status: str
) -> None:
    path, base = package
    instance = both.open()
    instance.check_upload()
    happens(both.sandbox)
    instance.upload(path, set_sys_id=base)
    sent = [line for line in both.log if "/sys_upload.do" in line]
    assert [line.split(" -> ")[1][:3] for line in sent] == [status, "200"]
    header = Read("sys_remote_update_set", query=f"sys_id={base}")
    assert instance.read([header])[0].total == 1
    count = Read("sys_update_xml", query=f"remote_update_set={base}", count_only=True)
    assert 0 < instance.read([count])[0].total < 20


def test_an_upload_after_the_session_ended_signs_in_again(
    both: Both, package: tuple[Path, str]
) -> None:
    path, base = package
    instance = both.open()
    instance.check_upload()
    both.clock.sleep(3600)
    instance.upload(path, set_sys_id=base)
    header = Read("sys_remote_update_set", query=f"sys_id={base}")
    assert instance.read([header])[0].total == 1


def test_a_preview_with_problems_says_so(both: Both, package: tuple[Path, str]) -> None:
    path, base = package
    both.switch(preview_problems=["error:*:Found a local update that is newer than this one"])
    instance = both.open()
    instance.upload(path, set_sys_id=base)
    for route in Route:
        state = _follow(both, instance, instance.preview(base, batch=True, route=route))
        assert state.stage is Stage.FAILED
    assert state.has_preview_problem


def test_no_role_is_told_from_no_plugin(both: Both) -> None:
    both.switch(cicd="no_role")
    assert both.open().probe_cicd() is Cicd.NO_ROLE


# Answers that are none


@pytest.mark.parametrize(
    ("switches", "kind", "code"),
    [
        ({"hibernating": "on"}, NetworkError, "instance-hibernating"),
        ({"no_node": "on"}, NetworkError, "instance-no-node"),
        ({"proxy_page": "on"}, ResponseError, "instance-html"),
        ({"basic": "restricted"}, AuthenticationError, "instance-not-signed-in"),
        ({"mfa": "all"}, AuthenticationError, "instance-mfa"),
        ({"cut_json": "on"}, ResponseError, "instance-json-cut"),
        ({"result_and_error": "on"}, ResponseError, "instance-result-and-error"),
        ({"cut": "before"}, NetworkError, "instance-connection-lost"),
        ({"cut": "after"}, NetworkError, "instance-connection-lost"),
        ({"cut": "middle"}, NetworkError, "instance-connection-lost"),
        ({"huge_body": "on"}, ResponseError, "instance-too-much"),
    ],
)
def test_each_fault_has_its_name(
    both: Both, switches: dict[str, str], kind: type[RemoteError], code: str
) -> None:
    both.switch(**switches)
    with pytest.raises(RemoteError) as caught:
        both.open().read([ME])
    assert (type(caught.value), caught.value.faults[0].code) == (kind, code)
    assert caught.value.faults[0].next


@pytest.mark.parametrize("where", ["before", "after", "middle"])
@pytest.mark.parametrize("single", [True, False])
def test_a_read_survives_one_cut(both: Both, where: str, single: bool) -> None:
    instance = both.open()
    both.switch(cut=f"{where}:1")
    assert len(instance.read([ME] if single else [ME, ME])[0].rows) == 1


@pytest.mark.parametrize("where", ["before", "after", "middle"])
def test_a_write_is_not_repeated_after_a_cut(both: Both, where: str) -> None:
    instance = both.open()
    both.switch(cut=f"{where}:1")
    with pytest.raises(OutcomeUnknown):
        instance.insert("sys_properties", {"name": "sn_smtp.once", "value": "1"})
    found = Read("sys_properties", query="name=sn_smtp.once", count_only=True)
    assert instance.read([found])[0].total == (0 if where == "before" else 1)


@pytest.mark.parametrize("switch", ["max_execution_time", "cut_json", "result_and_error"])
def test_a_write_that_stands_behind_an_error_is_unknown(both: Both, switch: str) -> None:
    instance = both.open()
    both.switch(**{switch: 1})
    with pytest.raises(OutcomeUnknown):
        instance.insert("sys_properties", {"name": "sn_smtp.once", "value": "1"})


@pytest.mark.parametrize("headers", ["on", "off"])
def test_a_rate_limit_is_waited_for(both: Both, headers: str) -> None:
    both.switch(rate_limit="1/h", rate_limit_headers=headers)
    instance = both.open()
    with pytest.raises(NetworkError) as caught:
        for _ in range(5):
            instance.read([ME])
            both.clock.sleep(31)
    assert caught.value.faults[0].code == "instance-rate-limit"


def test_a_few_502s_are_noise(both: Both) -> None:
    both.switch(outage_502=3)
    instance = both.open()
    instance.check_awake()
    assert instance.requests == 4


def test_a_closed_table_does_not_close_the_others(both: Both) -> None:
    both.switch(closed_tables="sys_properties")
    closed, me = both.open().read([Read("sys_properties"), ME])
    assert closed.error is not None
    assert closed.error.status == 403
    assert me.rows


# Secrets


def _everything(error: BaseException) -> str:
    """What a careless program might print of an exception."""
    parts = [repr(error), str(error), "".join(traceback.format_exception(error))]
    seen: set[int] = set()
    inner: BaseException | None = error
    while inner is not None and id(inner) not in seen:
        seen.add(id(inner))
        parts += [repr(inner), repr(inner.args), repr(vars(inner))]
        inner = inner.__cause__ or inner.__context__
    return "\n".join(parts)


def _work(instance: HttpInstance, package: tuple[Path, str]) -> Iterator[Callable[[], object]]:
    path, base = package
    yield instance.check_awake
    yield lambda: instance.read([ME, Read("oauth_entity", fields=("sys_id", "client_secret"))])
    yield instance.check_upload
    yield lambda: instance.upload(path, set_sys_id=base)
    yield lambda: instance.preview(base, batch=True, route=Route.XMLHTTP)
    yield lambda: instance.commit(base, batch=False, route=Route.CICD)
    yield lambda: instance.write_secret("oauth_entity", "a" * 32, "client_secret", WRITTEN)
    yield lambda: instance.insert("sys_user", {"user_name": "x", "sys_id": "b" * 32})
    yield instance.close


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"hibernating": "on"},
        {"basic": "restricted", "api_keys": "inactive", "client_credentials": "property_off"},
        {"sso_only": "on", "basic_opens_ui": "off", "bearer_opens_ui": "off"},
        {"cut_json": "on"},
        {"cut": "before"},
        {"cut": "middle"},
        {"no_node": "on"},
        {"max_execution_time": "on"},
        {"proxy_page": "on"},
        {"oauth_expired": "on"},
    ],
    ids=str,
)
def test_no_secret_shows(
    both: Both, package: tuple[Path, str], method: AuthMethod, switches: dict[str, str]
) -> None:
    instance = both.open(METHODS[method], upload_auth=BASIC)
    both.switch(**switches)
    shown = [repr(instance)]
    for work in _work(instance, package):
        try:
            shown.append(repr(work()))
        except GeneratorError as error:
            shown.append(_everything(error))
    shown += both.log
    text = "\n".join(shown)
    tokens = instance._caller.scrubber._forms
    assert len(both.log) > 1
    for secret in (*SECRETS.values(), WRITTEN, *tokens):
        assert secret not in text


def test_an_answer_that_echoes_a_secret_is_not_shown_with_it() -> None:
    from instance_replies import ID, bench, error

    def echo(sent: object) -> object:
        body = sent.body.decode()  # type: ignore[attr-defined]
        return error(400, f"Exception while reading request {body}", body)

    made = bench(echo)  # type: ignore[arg-type]
    with pytest.raises(ResponseError) as caught:
        made.instance.write_secret("oauth_entity", ID, "client_secret", WRITTEN + ' "x"')
    assert "[secret]" in str(caught.value)
    assert WRITTEN not in _everything(caught.value)
