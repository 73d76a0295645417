"""The engine: whose file it is, progress, limits, memory, and small parts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from roots import Command

from generator.checks import table_columns
from generator.checks.columns import LIMITS
from generator.checks.envelope import is_old_format
from generator.checks.interface import Severity, listed, shown
from generator.checks.lint import MOST_PER_RULE, LintReport, is_ours, lint_file
from generator.checks.raw import RawFile
from generator.checks.references import References
from generator.checks.salvage import salvage
from generator.checks.seen import Seen
from generator.errors import UsageError
from generator.update_set.model import SET_ELEMENTS, Element, UpdateSet


class Told:
    """A progress that remembers."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def start(self, what: str, *, total: int) -> None:
        self.events.append(f"start {total}")

    def step(self, what: str) -> None:
        self.events.append("step")

    def finish(self) -> None:
        self.events.append("finish")


def test_ours_is_what_the_manifest_beside_it_lists(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    assert not is_ours(tmp_path / "a.xml")
    manifest.write_text(json.dumps({"files": {"a.xml": "0" * 64}}))
    assert is_ours(tmp_path / "a.xml")
    assert not is_ours(tmp_path / "b.xml")
    deep = '{"files": {"a.xml": ' + "[" * 100_000 + "]" * 100_000 + "}}"
    for broken in ("{", "[]", '{"files": ["a.xml"]}', "<<<<<<< ours", deep):
        manifest.write_text(broken)
        assert not is_ours(tmp_path / "a.xml")
    manifest.unlink()
    os.mkfifo(manifest)
    assert not is_ours(tmp_path / "a.xml")


def test_no_more_of_a_manifest_is_read_than_one_may_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps({"files": {"a.xml": "0" * 64}})
    (tmp_path / "manifest.json").write_text(text)
    monkeypatch.setattr("generator.checks.lint.MAX_BYTES", len(text))
    assert is_ours(tmp_path / "a.xml")
    monkeypatch.setattr("generator.checks.lint.MAX_BYTES", len(text) - 1)
    assert not is_ours(tmp_path / "a.xml")


def test_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be opened: No such file"):
        lint_file(tmp_path / "missing.xml", ours=False)


@pytest.mark.parametrize("command", ["lint", "show"])
@pytest.mark.parametrize(
    ("make", "what"), [(os.mkfifo, "it is a pipe, socket or device"), (Path.mkdir, "a directory")]
)
def test_what_is_no_regular_file_is_refused_at_once(
    tmp_path: Path, sn_smtp: Command, command: str, make: Callable[[Path], None], what: str
) -> None:
    path = tmp_path / "given.xml"
    make(path)
    answer = sn_smtp(command, path)
    assert answer.code == 2
    assert f"{path}: The file cannot be opened" in answer.err
    assert what in answer.err


def test_progress_ends_at_a_hundred_or_before(tmp_path: Path, package_text: str) -> None:
    path = tmp_path / "x.xml"
    path.write_text(package_text, encoding="utf-8")
    told = Told()
    lint_file(path, ours=True, progress=told)
    assert told.events[0] == "start 100"
    assert told.events[-1] == "finish"
    assert 90 <= told.events.count("step") <= 100


def test_a_hopeless_file_lists_some_and_counts_all(
    package_text: str, lint_text: Callable[..., LintReport]
) -> None:
    start = package_text.index("<sys_update_xml ")
    end = package_text.index("</sys_update_xml>\n") + len("</sys_update_xml>\n")
    row = package_text[start:end].replace("<category>customer", "<category>other")
    report = lint_text(package_text[:end] + row * (MOST_PER_RULE + 7) + package_text[end:])
    listed_ = [finding for finding in report.findings if finding.rule == "R3"]
    assert len(listed_) == MOST_PER_RULE
    (rest,) = (f for f in report.findings if f.rule == "L1" and " R3 " in f.message)
    assert rest.message.startswith("7 more")
    assert report.counts[Severity.ERROR] > len(listed_)


def test_broken_further_on_keeps_what_was_read(
    package_text: str, lint_text: Callable[..., LintReport]
) -> None:
    place = package_text.rindex("</update_domain>")
    report = lint_text(package_text[:place] + "</wrong>" + package_text[place:])
    assert [f.rule for f in report.findings if f.severity == "error"] == ["F1"]
    assert report.sets == 2
    assert 1 <= report.updates < package_text.count("<sys_update_xml ")


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "F1"),
        (b"not xml", "F1"),
        (b"<unload unload_date='x'/>", "F4"),
        (b"<record_update/>", "F3"),
        (b"<unload>" + b"<a>" * 100, "F1"),
        ('<unload unload_date="2026-01-01 00:00:00"><a/></unload>'.encode("utf-16"), "F1"),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?><unload><a>\xe9</a></unload>', "F1"),
        (b"<unload><sys_remote_update_set><a></sys_remote_update_set></unload>", "F1"),
    ],
)
def test_nonsense_is_found_not_crashed_on(
    data: bytes, rule: str, lint_text: Callable[..., LintReport]
) -> None:
    report = lint_text(data, ours=False)
    assert rule in {finding.rule for finding in report.findings if finding.severity == "error"}


def test_a_broken_file_is_still_searched_for_secrets(
    package_text: str, lint_text: Callable[..., LintReport]
) -> None:
    secret = "abc" + "8Q~" + "x" * 34
    broken = package_text.replace("<active>false", f"<active>{secret}").replace(
        "<payload><![CDATA[", "<payload><![CDATA[<![CDATA[]]>"
    )
    report = lint_text(broken)
    assert {"F1", "X3"} <= {finding.rule for finding in report.findings}
    assert all(secret not in finding.message for finding in report.findings)


def test_salvage_of_rows_that_are_broken_themselves(tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    path.write_text(
        "<unload><sys_remote_update_set a='1'>\n<name>n</name></sys_remote_update_set>\n"
        "<sys_update_xml a='1'><name></sys_update_xml>\n"
        "<sys_update_xml a='1'><name>ok</name><payload><![CDATA[<![CDATA[]]>]]></payload>"
        "</sys_update_xml></unload>"
    )
    found = salvage(path)
    assert [update_set.name for update_set in found.sets] == ["n"]
    assert [(update.name, update.line) for update in found.updates] == [("ok", 4)]
    assert found.unload_date == ""


def test_old_format_is_known_by_date_order_and_number() -> None:
    def of(names: tuple[str, ...]) -> tuple[UpdateSet, ...]:
        return (UpdateSet(tuple(Element(name, "") for name in names)),)

    old = tuple(name for name in SET_ELEMENTS if name not in ("parent", "remote_parent_id"))
    assert is_old_format("2016-05-01 00:00:00", of(old))
    assert not is_old_format("2019-05-01 00:00:00", of(old))
    assert not is_old_format("1.0.0 build", of(old))
    assert not is_old_format("2016-05-01 00:00:00", ())
    assert not is_old_format("2016-05-01 00:00:00", of(SET_ELEMENTS))
    assert not is_old_format("2016-05-01 00:00:00", of(old[:12]))
    assert not is_old_format("2016-05-01 00:00:00", of(old[::-1]))


def test_deletion_with_only_a_key_is_found(
    package_text: str, lint_text: Callable[..., LintReport]
) -> None:
    rows = package_text.split("<sys_update_xml ")
    place = next(i for i, row in enumerate(rows) if "<name>sys_user_role_" in row)
    row = rows[place].replace("<action>INSERT_OR_UPDATE", "<action>DELETE")
    start = row.index("<sys_user_role ") + len('<sys_user_role action="INSERT_OR_UPDATE">')
    sys_id = row[row.index("sys_user_role_") :][len("sys_user_role_") :][:32]
    row = row[:start] + f"<sys_id>{sys_id}</sys_id>" + row[row.index("</sys_user_role>") :]
    rows[place] = row.replace(
        '<sys_user_role action="INSERT_OR_UPDATE"', '<sys_user_role action="DELETE"'
    )
    rules = {f.rule for f in lint_text("<sys_update_xml ".join(rows)).findings}
    assert "P12" in rules
    assert "P3" not in rules


def test_open_references_are_bounded(
    monkeypatch: pytest.MonkeyPatch, package_text: str, lint_text: Callable[..., LintReport]
) -> None:
    monkeypatch.setattr("generator.checks.references.MOST", 1)
    edited = package_text.replace("<user/>", f'<user display_value="A">{"1" * 32}</user>').replace(
        "<protocol_name/>", f'<protocol_name display_value="B">{"2" * 32}</protocol_name>'
    )
    report = lint_text(edited)
    (rest,) = (finding for finding in report.findings if finding.rule == "V4")
    assert "more references" in rest.message
    assert References.rules


def test_seen_grows_and_finds() -> None:
    seen = Seen()
    assert all(seen.add(str(number)) for number in range(5000))
    assert not any(seen.add(str(number)) for number in range(5000))
    assert "4999" in seen
    assert "5000" not in seen
    assert len(seen) == 5000


def test_raw_file_passes_an_end_tag_inside_text() -> None:
    raw = RawFile(BytesIO(b"<sys_update_xml>a</sys_update_xml>b</sys_update_xml>\n</unload>\n"))
    assert (
        raw.until(b"</sys_update_xml>") == b"<sys_update_xml>a</sys_update_xml>b</sys_update_xml>\n"
    )
    assert raw.rest(64) == b"</unload>\n"
    assert raw.until(b"</sys_update_xml>") is None


def test_raw_file_looks_no_further_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generator.checks.raw.LONGEST", 1000)
    assert RawFile(BytesIO(b"x" * 1_000_000 + b"</a>\n")).until(b"</a>") is None


def test_values_in_messages_are_short_and_never_secret() -> None:
    assert shown("x" * 100) == repr("x" * 57 + "...")
    secret = "abc" + "8Q~" + "x" * 34
    assert secret not in shown(secret)
    assert shown("0" * 32) == repr("0" * 32)
    assert listed(map(str, range(10)), most=3) == "0, 1, 2 and 7 more"


def test_dictionary_is_the_published_one_with_the_documented_additions(shared: Path) -> None:
    published = json.loads((shared / "spec" / "table-columns.json").read_text())
    added = {
        "jwt_keystore_aliases",
        "jwt_claim_validation",
        "sys_scope_privilege",
        "sysevent_register",
    }
    for table, entry in published.items():
        known = table_columns.columns(table)
        assert known is not None
        assert known >= set(entry["columns"])
        for column, what in entry["columns"].items():
            assert table_columns.target(table, column) == what["reference"]
    assert all(table_columns.columns(table) for table in added - set(published))
    assert (table_columns.columns("oauth_entity") or set()) >= {
        "sub_claim",
        "bff_cookie_exchange_allowed",
    }
    assert "oauth_resources" in (table_columns.columns("oauth_entity_profile") or set())
    assert table_columns.columns("no_such_table") is None
    assert table_columns.target("no_such_table", "x") is None
    assert not table_columns.is_application_file("no_such_table")
    assert table_columns.is_application_file("sysevent_email_action")
    assert not table_columns.is_application_file("sys_email_account")


def test_limits_are_of_known_columns() -> None:
    for table, column in LIMITS:
        assert column in (table_columns.columns(table) or set())


@pytest.mark.parametrize("ours", [True, False])
def test_memory_stays_flat(tmp_path: Path, package_text: str, ours: bool) -> None:
    """A file ten times as large needs hardly more memory (a tenth more than the bookkeeping)."""
    head, *rows = package_text.removesuffix("</unload>\n").split("<sys_update_xml ")
    block = [row for row in rows if len(row) < 4000]

    def peak(megabytes: int) -> int:
        path = tmp_path / f"{megabytes}.xml"
        with path.open("w", encoding="utf-8") as stream:
            stream.write(head)
            written = number = 0
            while written < megabytes << 20:
                for row in block:
                    number += 1
                    # Each row gets an identity of its own, so that bookkeeping grows as it must.
                    piece = "<sys_update_xml " + row.replace("sys_id>", f"sys_id>{number:08x}", 1)
                    written += stream.write(piece)
            stream.write("</unload>\n")
        script = (
            "import resource, sys; from pathlib import Path\n"
            "from generator.checks.lint import lint_file\n"
            f"lint_file(Path(sys.argv[1]), ours={ours})\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
        )
        return int(done.stdout)

    assert peak(30) < peak(3) + 12_000  # kilobytes
