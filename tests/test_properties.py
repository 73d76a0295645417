"""What holds for every environment that is accepted, whatever stands in it."""

from __future__ import annotations

import dataclasses
import json
import string
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from packages import LATER, START, TEMPLATES, set_files, shipped
from roots import COMMON, write_environment, write_root

from generator.azure.clouds import ENDPOINTS, Cloud, token_endpoint
from generator.characters import illegal_character
from generator.checks.interface import Severity
from generator.checks.lint import lint_file
from generator.config.environment import (
    Authorization,
    ConnectionSecurity,
    Environment,
    Layout,
    Release,
)
from generator.config.load import load_environment
from generator.errors import GeneratorError
from generator.integration.integration import integrate, logical_names
from generator.rendering import PackageRenderer, Rendering, inputs_digest
from generator.secrets.shapes import embedded_secret
from generator.update_set.records import CREATED_ON, MOD_COUNT, UPDATED_ON, Record, Reference

BOUNDED = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
RENDERER = PackageRenderer(TEMPLATES, now=START)
LATE = PackageRenderer(TEMPLATES, now=LATER)


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


# ---- environments ----

NASTY = st.sampled_from(
    [*"<>&\"'|`*_~$\\{}[]()#%\N{NBSP}", "]]>", "{{", "}}", "{%", "<![CDATA[", "שלום", "&amp;"]
)
CHARACTERS = st.characters(
    exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufffe\uffff\ufdde"
)


def lines(longest: int, shortest: int = 1) -> st.SearchStrategy[str]:
    """One line as the environment file accepts it."""
    text = st.lists(st.one_of(CHARACTERS, NASTY), max_size=longest).map(
        lambda parts: "".join(parts)[:longest].strip()
    )
    return text.filter(
        lambda value: (
            len(value) >= shortest
            and illegal_character(value) is None
            and embedded_secret(value) is None
        )
    )


COMMENTS = st.lists(st.one_of(lines(60), st.sampled_from(["\n", "\r\n", "\r", "\t"]))).map("".join)
LABELS = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=20)
HOSTS = st.builds("{}.{}.example".format, LABELS, LABELS)
LOCALS = st.text(
    string.ascii_letters + string.digits + "!#$%&'*+/=?^_`{|}~-", min_size=1, max_size=20
)
ADDRESSES = st.builds("{}@{}".format, LOCALS, HOSTS)
GUIDS = st.uuids().map(str)
SYS_IDS = st.uuids().map(lambda value: value.hex)
VERSIONS = st.tuples(*[st.integers(0, 99)] * 3).map(lambda parts: ".".join(map(str, parts)))
SCOPES = st.text(string.ascii_lowercase + string.digits + "_", min_size=1, max_size=10).map(
    lambda name: f"x_acme_{name}"[:18]
)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)
SECURITY = st.sampled_from(
    [
        (587, ConnectionSecurity.STARTTLS),
        (465, ConnectionSecurity.SSL),
        (2525, ConnectionSecurity.STARTTLS),
        (25, ConnectionSecurity.SSL),
    ]
)
ADOPTED = st.dictionaries(st.sampled_from(sorted(logical_names())), SYS_IDS, max_size=4).filter(
    lambda ids: len(set(ids.values())) == len(ids)
)


@st.composite
def environments(draw: st.DrawFn) -> Environment:
    """An environment with values of its own in every field that is rendered."""
    base = _base()
    cloud = draw(st.sampled_from(Cloud))
    endpoints, tenant = ENDPOINTS[cloud], draw(GUIDS)
    login = draw(st.one_of(st.just(endpoints.login), HOSTS.map("https://{}".format)))
    port, security = draw(SECURITY)
    name = draw(lines(40))
    return dataclasses.replace(
        base,
        name=draw(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,39}", fullmatch=True)),
        release=draw(st.sampled_from(Release)),
        version=draw(VERSIONS),
        integration=draw(st.from_regex(r"[a-z][a-z0-9_]{0,19}", fullmatch=True)),
        deletions=draw(st.booleans()),
        layout=draw(st.sampled_from(Layout)),
        author=draw(lines(40)),
        app=dataclasses.replace(
            base.app,
            name=draw(lines(64)),
            scope=draw(SCOPES),
            version=draw(VERSIONS),
            vendor=draw(lines(100, 0)),
        ),
        instance_url=draw(HOSTS.map("https://{}".format)),
        azure=dataclasses.replace(
            base.azure,
            tenant_id=tenant,
            client_id=draw(GUIDS),
            service_principal_object_id=draw(st.none() | GUIDS),
            cloud=cloud,
            login=login,
            scope=endpoints.scope,
            smtp=endpoints.smtp,
            token_url=token_endpoint(login, tenant),
            authorization=draw(st.sampled_from(Authorization)),
            secret_expires_on=draw(st.none() | MOMENTS),
        ),
        oauth=dataclasses.replace(base.oauth, name=draw(lines(40)), comments=draw(COMMENTS)),
        email_account=dataclasses.replace(
            base.email_account,
            name=name,
            user_name=draw(ADDRESSES),
            from_address=draw(st.just("") | ADDRESSES),
            label=draw(lines(100, 0)),
            server=draw(st.one_of(st.just(endpoints.smtp), HOSTS)),
            port=port,
            connection_security=security,
            live=draw(st.booleans()),
            enable_debug_output=draw(st.booleans()),
        ),
        sys_ids=draw(ADOPTED),
    )


@cache
def _base() -> Environment:
    with tempfile.TemporaryDirectory() as directory:
        return loaded(write_root(Path(directory) / "root", {"dev": ""}))


def loaded(root: Path) -> Environment:
    return load_environment(root, "dev", variables={}, now=START, logical_names=logical_names())


# ---- what must hold ----


def rendered(environment: Environment) -> Rendering:
    return RENDERER.render(environment, previous=None, last_rows=dict)


def must_hold(environment: Environment, place: Path) -> None:
    """Parses, reads back, renders again to the same bytes, lints clean."""
    rendering = rendered(environment)
    for name, data in rendering.files.items():
        if name.endswith(".xml"):
            etree.fromstring(data)
        assert b"\x00" not in data
    stamps = rendering.manifest.history.records
    payloads = {update.name: update.payload for update in shipped(rendering.files).updates}
    for record in integrate(environment).records():
        file = rendering.files[f"records/{record.table}/{record.sys_id}.xml"]
        told = stamps[record.update_name].stamps
        stood_in = {
            CREATED_ON: told.created_on,
            UPDATED_ON: told.updated_on,
            MOD_COUNT: str(told.mod_count),
        }
        reads_back(record, file, stood_in)
        if record.update_name in payloads:
            reads_back(record, payloads[record.update_name].encode(), stood_in)
        else:
            assert environment.email_account.live
    again = LATE.render(environment, previous=rendering.manifest, last_rows=dict)
    assert again.files == rendering.files
    assert not again.changed
    lints_clean(rendering.files, place)


def reads_back(record: Record, payload: bytes, stood_in: Mapping[str, str]) -> None:
    """Every field of the record stands in its payload with the value that it has."""
    element = etree.fromstring(payload)[0]
    assert element.tag == record.table
    found = {child.tag: child for child in element if child.get("action") is None}
    assert set(record.fields) == set(found)
    for name, value in record.fields.items():
        text = found[name].text or ""
        if isinstance(value, Reference):
            assert text == value.value
            display = value.display_value if value.value else None
            assert found[name].get("display_value") == display
            assert found[name].get("source") == value.source
        else:
            assert text == stood_in.get(str(value), str(value)), name


def lints_clean(files: Mapping[str, bytes], place: Path) -> None:
    for name in set_files(files):
        path = place / name
        path.write_bytes(files[name])
        report = lint_file(path, ours=True)
        path.unlink()
        assert not report.worst_reaches(Severity.ERROR), [
            finding for finding in report.findings if finding.severity is Severity.ERROR
        ]


@BOUNDED
@given(environment=environments())
def test_any_environment_renders_reads_back_and_lints_clean(
    place: Path, environment: Environment
) -> None:
    must_hold(environment, place)


@BOUNDED
@given(environment=environments(), random=st.randoms(use_true_random=False))
def test_nothing_depends_on_order(environment: Environment, random) -> None:
    shuffled = list(environment.sys_ids.items())
    random.shuffle(shuffled)
    other = dataclasses.replace(environment, sys_ids=dict(shuffled))
    assert inputs_digest(other) == inputs_digest(environment)
    assert rendered(other).files == rendered(environment).files


# ---- the same from the file that a user writes ----


def quoted(value: str) -> str:
    """A YAML text in double quotes, what is no letter or digit as an escape."""
    escaped = "".join(
        sign if sign.isascii() and sign.isalnum() else f"\\U{ord(sign):08x}"
        for sign in value.replace("${", "$${")
    )
    return f'"{escaped}"'


@st.composite
def files(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    """An environment file and the texts that it gives."""
    texts = {
        "app name": draw(lines(64)),
        "vendor": draw(lines(100, 0)),
        "oauth name": draw(lines(40)),
        "comments": draw(COMMENTS),
        "account name": draw(lines(40)),
        "label": draw(lines(100, 0)),
        "author": draw(lines(40)),
    }
    given_ = {name: quoted(text) for name, text in texts.items()}
    port, security = draw(SECURITY)
    sections = [
        f"release: {draw(st.sampled_from(Release)).value}",
        f"layout: {draw(st.sampled_from(Layout)).value}",
        f"author: {given_['author']}",
        f"app: {{name: {given_['app name']}, vendor: {given_['vendor']}}}",
        f"oauth: {{name: {given_['oauth name']}, comments: {given_['comments']}}}",
        f"email_account: {{name: {given_['account name']}, label: {given_['label']}, "
        f"user_name: {quoted(draw(ADDRESSES))}, port: {port}, "
        f"connection_security: {security.value}, live: {str(draw(st.booleans())).lower()}}}",
        f"azure: {{cloud: {draw(st.sampled_from(Cloud)).value}, "
        f"authorization: {draw(st.sampled_from(Authorization)).value}}}",
        f"instance: {{url: {quoted('https://' + draw(HOSTS))}}}",
        f"sys_ids: {json.dumps(draw(ADOPTED))}",
    ]
    return "\n".join(draw(st.permutations(sections))) + "\n", texts


@BOUNDED
@given(written=files())
def test_any_file_that_is_accepted_does_so_too(
    place: Path, written: tuple[str, dict[str, str]]
) -> None:
    text, texts = written
    root = write_root(place / "root", {}, common=COMMON)
    write_environment(root, "dev", text)
    environment = loaded(root)
    assert texts == {
        "app name": environment.app.name,
        "vendor": environment.app.vendor,
        "oauth name": environment.oauth.name,
        "comments": environment.oauth.comments,
        "account name": environment.email_account.name,
        "label": environment.email_account.label,
        "author": environment.author,
    }
    must_hold(environment, place)


# ---- endpoints ----

KNOWN = {
    cloud: {"login": e.login, "scope": e.scope, "smtp": e.smtp} for cloud, e in ENDPOINTS.items()
}


def of_any_cloud(key: str) -> st.SearchStrategy[str | None]:
    return st.none() | st.sampled_from(Cloud).map(lambda cloud: KNOWN[cloud][key])


@BOUNDED
@given(
    cloud=st.none() | st.sampled_from(Cloud),
    endpoints=st.fixed_dictionaries({key: of_any_cloud(key) for key in ("login", "scope", "smtp")}),
    server=of_any_cloud("smtp"),
)
def test_endpoints_of_different_clouds_are_no_accepted_environment(
    place: Path, cloud: Cloud | None, endpoints: dict[str, str | None], server: str | None
) -> None:
    lines_ = ["azure:", *([f"  cloud: {cloud.value}"] if cloud else []), "  endpoints:"]
    lines_ += [f"    {key}: {value}" for key, value in endpoints.items() if value]
    lines_ += [f"email_account: {{server: {server}}}"] if server else []
    root = write_root(place / "root", {}, common=COMMON)
    write_environment(root, "dev", "\n".join(lines_) + "\n")
    try:
        environment = loaded(root)
    except GeneratorError as error:
        assert [fault.code for fault in error.faults] == ["mixed-clouds"]
        base = KNOWN[cloud or Cloud.PUBLIC]
        written = [value for value in (*endpoints.values(), server) if value]
        assert not set(written) <= set(base.values())
    else:
        lints_clean(rendered(environment).files, place)


# ---- secrets ----

PLACES = (
    ("", "author"),
    ("app", "name"),
    ("app", "vendor"),
    ("oauth", "name"),
    ("oauth", "comments"),
    ("email_account", "name"),
    ("email_account", "label"),
    ("email_account", "user_name"),
    ("email_account", "from_address"),
    ("email_account", "server"),
    ("azure", "client_id"),
    ("azure", "token_url"),
    ("azure", "scope"),
    ("azure", "client_secret_from"),
)


@settings(BOUNDED, max_examples=60)
@given(
    place=st.sampled_from(PLACES),
    tail=st.text(string.ascii_letters + string.digits + "_.~-", min_size=22, max_size=25),
    around=st.tuples(
        st.sampled_from(["", "see ", "<", '"', "{{ ", "]]>"]), st.sampled_from(["", " ", ">", "&"])
    ),
)
def test_a_secret_that_came_past_every_door_does_not_go_out(
    place: tuple[str, str], tail: str, around: tuple[str, str]
) -> None:
    """The renderer's own guard, for what the loader would have refused."""
    secret = "aB1" + "8Q~" + "canary-" + tail + "zzzzz"
    section, field = place
    environment = _base()
    value = around[0] + secret + around[1]
    if section:
        value = dataclasses.replace(getattr(environment, section), **{field: value})
    environment = dataclasses.replace(environment, **{section or field: value})
    try:
        files_ = rendered(environment).files
    except GeneratorError as error:
        assert error.faults[0].code == "secret-in-output"
        assert "canary" not in str(error) + repr(error)
        assert error.__cause__ is None
    else:
        assert field == "client_secret_from"
        assert not [name for name, data in files_.items() if b"canary" in data]
