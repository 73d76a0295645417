"""One render in memory: which files, which identities, and what is worked on only once."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from uuid import UUID, uuid5

import pytest
from lxml import etree
from packages import LATER, START, TEMPLATES, in_memory, record_file, set_files, shipped, texts

import generator.rendering
from generator import __version__
from generator.azure.clouds import Cloud
from generator.azure.model import Notice, Severity
from generator.config.environment import Authorization, Environment, Layout, Release
from generator.errors import ConfigError, InternalError
from generator.integration.integration import integrate
from generator.integration.sys_ids import NAMESPACE
from generator.rendering import PackageRenderer, Rendering, inputs_digest
from generator.update_set import manifest as manifests
from generator.update_set.payload import PayloadRenderer, Unstamped
from generator.update_set.payload_hash import payload_hash
from generator.update_set.records import Record
from generator.update_set.templates import Templates

Make = Callable[..., Environment]


def again(environment: Environment, before: Rendering, now: datetime = LATER) -> Rendering:
    renderer = PackageRenderer(TEMPLATES, now=now)
    return renderer.render(environment, previous=before.manifest, last_rows=dict)


# ---- the files ----


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("live", [True, False])
def test_a_package_is_these_files(environment: Make, layout: Layout, live: bool) -> None:
    made = environment(layout=layout, email_account__live=live)
    rendering = in_memory(made)
    records = {f"records/{r.table}/{r.sys_id}.xml" for r in integrate(made).records()}
    sets = set(set_files(rendering.files))
    assert len(sets) == (1 if layout is Layout.BATCH else 2)
    others = {"SUMMARY.md", "email_account.xml", "manifest.json"}
    assert set(rendering.files) == records | sets | others
    assert rendering.updates == len(shipped(rendering.files).updates) == 36 - live


def test_the_manifest_lists_every_other_file(environment: Make) -> None:
    rendering = in_memory(environment())
    written = json.loads(rendering.files["manifest.json"])
    assert written["files"] == {
        name: sha256(data).hexdigest()
        for name, data in rendering.files.items()
        if name != "manifest.json"
    }
    assert manifests.load(rendering.files["manifest.json"], file="m") == rendering.manifest


def test_records_are_the_rows_payloads_indented(environment: Make) -> None:
    rendering = in_memory(environment())
    for update in shipped(rendering.files).updates:
        table, sys_id = update.name[:-33], update.name[-32:]
        indented = rendering.files[f"records/{table}/{sys_id}.xml"]
        parser = etree.XMLParser(remove_blank_text=True, strip_cdata=False)
        again_ = etree.tostring(etree.fromstring(indented, parser), encoding="unicode")
        assert '<?xml version="1.0" encoding="UTF-8"?>' + again_ == update.payload
        assert update.value("payload_hash") == payload_hash(update.payload)
        assert indented.endswith(b">\n")


def test_a_row_names_the_table_that_its_record_hangs_on(environment: Make) -> None:
    found = {
        update.name[:-33]: update.value("table")
        for update in shipped(in_memory(environment()).files).updates
    }
    hanging = {table for table, of in found.items() if of == "sys_email_account"}
    assert hanging == {"sysevent_register", "sysevent_email_action"}
    assert {of for table, of in found.items() if table not in hanging} == {""}


def test_identities_follow_the_digest_of_the_package(environment: Make) -> None:
    rendering = in_memory(environment(layout=Layout.SEPARATE))
    found = shipped(rendering.files)
    digest = rendering.manifest.digest
    for update_set, entry in zip(
        sorted(found.sets, key=lambda s: s.value("application") != "global"),
        rendering.manifest.sets,
        strict=True,
    ):
        assert update_set.sys_id == entry.sys_id
        assert entry.sys_id == uuid5(NAMESPACE, f"set/{entry.role}/{digest}").hex
        assert entry.remote_sys_id == uuid5(NAMESPACE, f"local/{entry.role}/{digest}").hex
        assert entry.file == f"sys_remote_update_set_{entry.sys_id}.xml"
        rows = [update for update in found.updates if update.set_sys_id == entry.sys_id]
        assert len(rows) == entry.updates
        for update in rows:
            expected = uuid5(UUID(hex=entry.sys_id), update.name).hex
            assert update.value("sys_id") == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"layout": Layout.SEPARATE},
        {"name": "other"},
        {"version": "1.0.1"},
        {"author": "somebody"},
        {"release": Release.YOKOHAMA},
        {"instance_url": "https://other.service-now.com"},
        {"app__version": "1.0.1"},
        {"app__vendor": "Somebody"},
        {"azure__secret_expires_on": None},
        {"azure__scope": "https://other.example/.default"},
        {"oauth__comments": "x"},
        {"email_account__label": "x"},
        {"email_account__live": True},
        {"sys_ids": {"sys_user_role": "a" * 32}},
    ],
    ids=lambda changes: ",".join(changes),
)
def test_any_change_gives_new_sets_everywhere(
    environment: Make, changes: dict[str, object]
) -> None:
    before, after = in_memory(environment()), in_memory(environment(**changes))
    one, other = (
        {i for entry in r.manifest.sets for i in (entry.sys_id, entry.remote_sys_id)}
        for r in (before, after)
    )
    assert len(one) == len(other) == 4
    assert not one & other


def test_an_account_in_no_set_still_makes_the_sets(environment: Make) -> None:
    """The whole package is the identity, also what is not imported (design decision 3)."""
    one, other = (
        in_memory(environment(email_account__live=True, email_account__label=label))
        for label in ("a", "b")
    )
    assert one.manifest.digest != other.manifest.digest
    rows = [
        {update.name: update.payload for update in shipped(r.files).updates} for r in (one, other)
    ]
    assert rows[0] == rows[1]


def test_the_warning_date_travels(environment: Make) -> None:
    ends = datetime(2027, 5, 31, 22, 30, tzinfo=UTC)
    found = shipped(in_memory(environment(azure__secret_expires_on=ends)).files)
    (row,) = [u for u in found.updates if "secret_expires_on</name>" in u.payload]
    assert "<value>2027-05-31 22:30:00</value>" in row.payload
    assert "<ignore_cache>true</ignore_cache>" in row.payload


# ---- provenance ----


def test_the_tool_s_version_alone_changes_nothing(
    environment: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = in_memory(environment())
    monkeypatch.setattr(generator.rendering, "__version__", "99.0.0")
    after = again(environment(), before)
    assert after.files == before.files
    assert not after.changed
    changed = again(environment(version="1.0.1"), before)
    assert changed.changed
    assert (before.manifest.tool, changed.manifest.tool) == (__version__, "99.0.0")


def test_understood_values_that_reach_no_record_change_nothing(environment: Make) -> None:
    before = in_memory(environment())
    other = environment(azure__client_secret_from="prompt")
    after = again(other, before)
    assert inputs_digest(other) != inputs_digest(environment())
    assert after.files == before.files
    assert after.manifest.inputs == inputs_digest(environment())
    changed = again(dataclasses.replace(other, version="1.0.1"), before)
    assert changed.manifest.inputs == inputs_digest(dataclasses.replace(other, version="1.0.1"))


def test_what_only_the_reader_is_told_moves_no_time(environment: Make) -> None:
    before = in_memory(environment())
    after = again(environment(azure__authorization=Authorization.APP_RBAC), before)
    assert not after.changed
    differing = {name for name in after.files if after.files[name] != before.files[name]}
    assert differing == {"SUMMARY.md", "manifest.json"}
    assert after.manifest.history == before.manifest.history
    assert after.manifest.inputs == before.manifest.inputs


def test_the_digest_of_the_inputs_is_of_values(environment: Make, tmp_path: Path) -> None:
    made = environment(sys_ids={"sys_app": "a" * 32, "oauth_entity": "b" * 32})
    notice = Notice(code="x", severity=Severity.NOTE, message="m")
    same = dataclasses.replace(
        made,
        directory=tmp_path / "elsewhere",
        notices=(notice,),
        sys_ids=MappingProxyType({"oauth_entity": "b" * 32, "sys_app": "a" * 32}),
    )
    assert inputs_digest(same) == inputs_digest(made)
    digests = [
        inputs_digest(environment(**changes))
        for changes in (
            {},
            {"name": "other"},
            {"deletions": True},
            {"sys_ids": {"sys_app": "a" * 32}},
            {"azure__cloud": Cloud.CHINA},
            {"azure__authorization": Authorization.APP_RBAC},
            {"azure__secret_expires_on": None},
            {"app__vendor": "x"},
            {"oauth__comments": "x"},
            {"email_account__live": True},
        )
    ]
    assert len(set(digests)) == len(digests)
    assert all(len(digest) == 64 for digest in digests)


# ---- templates of the user's ----


def with_template(directory: Path, name: str, text: str) -> PackageRenderer:
    path = directory / "own" / name
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return PackageRenderer(Templates(directory / "own"), now=START)


def first(renderer: PackageRenderer, environment: Environment) -> Rendering:
    return renderer.render(environment, previous=None, last_rows=dict)


def test_a_user_s_template_wins(environment: Make, tmp_path: Path, repository: Path) -> None:
    name = "records/oauth_entity_scope.xml.j2"
    own = (repository / "templates" / name).read_text(encoding="utf-8")
    renderer = with_template(tmp_path, name, own.replace("    name\n", ""))
    rendering = first(renderer, environment())
    assert "name" not in texts(record_file(rendering.files, "oauth_entity_scope"))
    assert "name" in texts(record_file(rendering.files, "oauth_entity_profile"))


ENTITY = "records/oauth_entity.xml.j2"
ACCOUNT = "records/sys_email_account.xml.j2"


@pytest.mark.parametrize(
    ("name", "text", "kind", "code"),
    [
        (ENTITY, "{{ record.nothing }}", ConfigError, "template-failed"),
        (ENTITY, "{{ record|fields('x') }}", ConfigError, "template-failed"),
        (ENTITY, "{% if %}", ConfigError, "template-failed"),
        (ENTITY, "<a/>", InternalError, "payload-not-a-record-update"),
        (
            ENTITY,
            "<record_update><b></record_update>",
            InternalError,
            "payload-not-well-formed",
        ),
        (ENTITY, "<record_update>x<b/></record_update>", InternalError, "payload-not-one-line"),
        (ACCOUNT, "<record_update></record_update>", ConfigError, "template-failed"),
        (ACCOUNT, "<record_update><a/></record_update>", ConfigError, "template-failed"),
        ("report/summary.md.j2", "{{ nothing }}", ConfigError, "template-failed"),
        ("update_set/unload.xml.j2", "{{ nothing }}", ConfigError, "template-failed"),
    ],
)
def test_a_faulty_template_is_named(
    environment: Make, tmp_path: Path, name: str, text: str, kind: type[Exception], code: str
) -> None:
    with pytest.raises(kind) as caught:
        first(with_template(tmp_path, name, text), environment())
    (fault,) = caught.value.faults  # type: ignore[attr-defined]
    assert fault.code == code
    assert fault.next
    if kind is ConfigError:
        assert name in fault.message


def test_a_comment_in_a_template_is_no_field(
    environment: Make, tmp_path: Path, repository: Path
) -> None:
    own = (repository / "templates" / ACCOUNT).read_text(encoding="utf-8")
    noted = own.replace("</sys_email_account>", "<!-- a note --></sys_email_account>")
    assert noted != own
    files = first(with_template(tmp_path, ACCOUNT, noted), environment()).files
    assert files["email_account.xml"] == in_memory(environment()).files["email_account.xml"]


def test_a_secret_in_a_template_does_not_leave(environment: Make, tmp_path: Path) -> None:
    secret = "abc" + "8Q~" + "x" * 34
    renderer = with_template(
        tmp_path,
        "records/oauth_entity.xml.j2",
        f"<record_update><a>{secret}</a></record_update>",
    )
    with pytest.raises(InternalError) as caught:
        first(renderer, environment())
    assert caught.value.faults[0].code == "secret-in-output"
    assert secret not in str(caught.value) + repr(caught.value)


# ---- a fleet ----


@pytest.mark.slow
def test_a_fleet_shares_the_work(environment: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: Counter[str] = Counter()
    hashed: Counter[str] = Counter()
    plain_render, plain_hash = Templates.render, generator.update_set.payload.payload_hash

    def counted_render(self: Templates, name: str, context: Mapping[str, object]) -> str:
        rendered[name] += 1
        return plain_render(self, name, context)

    def counted_hash(payload: str) -> str:
        hashed[payload.partition('table="')[2].partition('"')[0]] += 1
        return plain_hash(payload)

    monkeypatch.setattr(Templates, "render", counted_render)
    monkeypatch.setattr(generator.update_set.payload, "payload_hash", counted_hash)
    renderer = PackageRenderer(Templates(), now=START)
    one = environment(app__scope="x_fleet_app")
    fleet = 200
    for number in range(fleet):
        member = dataclasses.replace(
            one,
            name=f"e{number:03}",
            instance_url=f"https://e{number}.example.com",
            azure=dataclasses.replace(
                one.azure, secret_expires_on=datetime(2027, 1, 1 + number % 28, tzinfo=UTC)
            ),
        )
        assert first(renderer, member).updates == 36
    records = {n[8:-7]: c for n, c in rendered.items() if n.startswith("records/")}
    for table, count in records.items():
        if table in ("oauth_entity", "sys_email_account"):
            assert count == fleet, table
        elif table == "sys_properties":
            assert count == 1 + 28
        elif table == "sys_scope_privilege":
            assert count == 19
        elif table in ("sys_script_include", "sys_ws_operation"):
            assert count == 2
        else:
            assert count == 1, table
    # Equal text is hashed once, also where it stands in records of many environments.
    assert hashed["sys_hub_action_type_definition"] == 1
    assert hashed["oauth_entity"] == fleet
    assert hashed["oauth_entity_scope"] == 1
    assert hashed["sys_properties"] == 1 + 28
    payloads = renderer._payloads
    assert len(payloads._unstamped) <= 512
    assert len(payloads._payloads) <= 512
    assert len(renderer._summaries._rows) <= 256


def test_what_is_remembered_is_bounded_and_what_is_used_stays(environment: Make) -> None:
    renderer = PayloadRenderer(TEMPLATES)
    kept, *_ = integrate(environment()).records()
    first_: Unstamped = renderer.unstamped(kept)
    for number in range(1100):
        record: Record = dataclasses.replace(kept, label=str(number))
        renderer.unstamped(record)
        assert renderer.unstamped(kept) is first_
    assert len(renderer._unstamped) == 512
