"""The manifest comes back as it was written, or is refused with the way out named."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from update_set_makers import manifest_of, package_files, sys_id

from generator.clock import EARLIEST, LATEST
from generator.errors import ExitCode, Refused
from generator.update_set import manifest as manifests
from generator.update_set.history import History, RecordHistory, Retired
from generator.update_set.manifest import Manifest, ManifestSet, dump, load
from generator.update_set.records import Stamps

FILES, MANIFEST = package_files(1)
DATA = FILES[manifests.NAME]

TEXT = st.text(max_size=8)
IDS = st.integers(0, 1 << 128).map(lambda number: f"{number % (1 << 128):032x}")
DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)
MOMENTS = st.datetimes(EARLIEST.replace(tzinfo=None), LATEST.replace(tzinfo=None)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
STAMPS = st.builds(
    Stamps,
    MOMENTS.map(lambda moment: moment.strftime("%Y-%m-%d %H:%M:%S")),
    MOMENTS.map(lambda moment: moment.strftime("%Y-%m-%d %H:%M:%S")),
    st.integers(0, 1 << 40),
)
NAMES = st.one_of(
    st.just("SUMMARY.md"),
    st.just("email_account.xml"),
    IDS.map("sys_remote_update_set_{}.xml".format),
    st.builds("records/{}/{}.xml".format, st.from_regex(r"[a-z0-9_]+", fullmatch=True), IDS),
)


def by_name(entries: list[RecordHistory] | list[Retired]) -> dict[str, object]:
    return {entry.name: entry for entry in entries}


def last_payload(sys_id: str, *, table: str = "sys_properties") -> str:
    """The payload of a record."""
    return (
        f'<record_update table="{table}"><{table} action="INSERT_OR_UPDATE">'
        f"<sys_id>{sys_id}</sys_id></{table}></record_update>"
    )


@st.composite
def any_retired(draw: st.DrawFn) -> Retired:
    texts = tuple(draw(TEXT) for _ in range(5))
    if draw(st.booleans()):
        return Retired(draw(TEXT), *texts, "", draw(st.booleans()))
    sys_id = draw(IDS)
    payload = last_payload(sys_id)
    return Retired(f"sys_properties_{sys_id}", *texts, payload, draw(st.booleans()))


@st.composite
def any_manifest(draw: st.DrawFn) -> Manifest:
    files = draw(st.dictionaries(NAMES, DIGESTS, min_size=1, max_size=5))
    sets = st.builds(
        ManifestSet, TEXT, TEXT, IDS, IDS, st.sampled_from(sorted(files)), st.integers(0, 99)
    )
    history = History(
        draw(MOMENTS),
        draw(TEXT),
        draw(st.lists(st.builds(RecordHistory, TEXT, TEXT, TEXT, STAMPS), max_size=3).map(by_name)),
        draw(st.lists(any_retired(), max_size=3).map(by_name)),
    )
    return Manifest(
        *(draw(TEXT) for _ in range(4)),
        draw(st.booleans()),
        *(draw(TEXT) for _ in range(2)),
        tuple(draw(st.lists(sets, max_size=3))),
        history,
        files,
    )


@settings(max_examples=100, deadline=None)
@given(any_manifest())
def test_comes_back_as_it_was_written(manifest: Manifest) -> None:
    data = dump(manifest)
    assert load(data, file="manifest.json") == manifest
    assert dump(load(data, file="manifest.json")) == data


def test_is_written_for_diffs() -> None:
    text = DATA.decode("ascii")
    assert text.endswith("}\n")
    assert "\r" not in text
    body = json.loads(text)
    assert list(body["files"]) == sorted(body["files"])
    assert body["schema"] == 1
    assert body["build_time"] == "2026-11-23T13:00:00Z"


def refusal(data: bytes) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        load(data, file="dev/manifest.json")
    assert caught.value.exit_code is ExitCode.REFUSED
    (fault,) = caught.value.faults
    assert fault.file == "dev/manifest.json"
    assert fault.next
    return fault.code, f"{fault.message} {fault.next}"


@pytest.mark.parametrize(
    "marker", [b"<<<<<<< HEAD\n", b"=======\n", b"=======\r\n", b">>>>>>> x\n"]
)
def test_conflicted(marker: bytes) -> None:
    at = DATA.index(b"\n") + 1
    code, said = refusal(DATA[:at] + marker + DATA[at:])
    assert code == "manifest-conflicted"
    assert "git checkout --ours" in said


def test_seven_characters_inside_a_line_are_no_conflict() -> None:
    body = json.loads(DATA)
    body["records"] = {}
    body["environment"] = "<<<<<<< ======= >>>>>>>"
    assert load(json.dumps(body, indent=2).encode(), file="x").environment.startswith("<<<<<<<")


def test_newer() -> None:
    code, said = refusal(DATA.replace(b'"schema": 1', b'"schema": 2'))
    assert code == "manifest-newer"
    assert "update sn-smtp" in said


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe\x00",
        b"\x00" * 20,
        b"[" * 100_000,
        b"9" * 5000,
        DATA[:-40],
        DATA + b"{}",
        b"{}",
    ],
)
def test_corrupt(data: bytes) -> None:
    code, said = refusal(data)
    assert code == "manifest-corrupt"
    assert "version control" in said


def test_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "MAX_BYTES", len(DATA) - 10)
    assert refusal(DATA)[0] == "manifest-corrupt"


Body = dict[str, object]
RECORD = "oauth_thing_" + sys_id(1)


def at(*path: str | int) -> Callable[[Body, object], None]:
    """Set a value at a path."""

    def change(body: Body, value: object) -> None:
        place: object = body
        for part in path[:-1]:
            place = place[part]  # type: ignore[index]
        place[path[-1]] = value  # type: ignore[index]

    return change


RETIRED: Body = {
    "logical_name": "sys_properties.x",
    "label": "x",
    "type": "System Property",
    "row_table": "",
    "application": "1" * 32,
    "acknowledged": True,
}
WRONG: list[tuple[Callable[[Body, object], None], object]] = [
    *((at("schema"), value) for value in (None, True, "1", 1.0, 0, -1)),
    *((at(name), value) for name in ("tool", "inputs", "content", "digest") for value in (None, 7)),
    *((at(name), 7) for name in ("environment", "app_scope", "layout")),
    *((at("live"), value) for value in (None, 0, "true")),
    *((at("build_time"), value) for value in (None, 7, "", "yesterday")),
    (at("build_time"), "2026-11-23 12:00:00"),
    (at("build_time"), "2026-1-2T03:04:05Z"),
    (at("build_time"), "2026-02-30T03:04:05Z"),
    (at("build_time"), "1969-12-31T23:59:59Z"),
    (at("build_time"), "9999-12-31T23:59:59Z"),
    *((at(name), value) for name in ("records", "retired", "files") for value in (None, [], "x")),
    *((at("sets"), value) for value in (None, {}, [None], ["x"], [{}])),
    *((at("sets", 0, name), 7) for name in ("role", "name", "sys_id", "remote_sys_id", "file")),
    *((at("sets", 0, name), "../x") for name in ("sys_id", "remote_sys_id", "file")),
    (at("sets", 0, "file"), "environment.yaml"),
    *((at("sets", 0, "updates"), value) for value in (None, "1", True)),
    *((at("records", RECORD), value) for value in (None, [], {})),
    *((at("records", RECORD, "sys_mod_count"), value) for value in ("0", 1.5, False, -1)),
    *((at("records", RECORD, "sys_created_on"), value) for value in (0, "", "2026-1-1 00:00:00")),
    *((at("records", RECORD, "sys_updated_on"), value) for value in (0, "2026-11-23T12:00:00Z")),
    (at("records", RECORD, "content"), None),
    *((at("retired", "x"), value) for value in (None, {}, {"payload": ""})),
    *(
        (at("retired", f"sys_properties_{'a' * 32}"), RETIRED | {"payload": payload})
        for payload in (
            "garbage",
            "<a/>",
            "<record_update/>",
            last_payload("b" * 32),
            last_payload("a" * 32, table="incident"),
            last_payload("a" * 32).replace("INSERT_OR_UPDATE", "DELETE"),
        )
    ),
    *((at("files", "SUMMARY.md"), value) for value in (None, 7, "", "0" * 63, "G" * 64, "A" * 64)),
]


@pytest.mark.parametrize(("change", "value"), WRONG)
def test_wrong_kinds(change: Callable[[Body, object], None], value: object) -> None:
    body = json.loads(DATA)
    change(body, value)
    assert refusal(json.dumps(body).encode())[0] == "manifest-corrupt"


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "..",
        "/etc/passwd",
        "records/../../x",
        "records/t/../../../x",
        "./SUMMARY.md",
        "records//SUMMARY.md",
        "records\\t\\x.xml",
        "C:/x",
        "",
        "SUMMARY.md\n",
        "SUMMARY.md\x00",
        ".render/SUMMARY.md",
        ".git/config",
        ".gitignore",
        "manifest.json",
        # The user's own: what a manifest lists is removed when it is no longer rendered.
        "environment.yaml",
        "azure.json",
        "../common.yaml",
        "records/notes.txt",
        "records/t/notes.xml",
        f"records/{sys_id(1)}.xml",
        "sys_remote_update_set_mine.xml",
    ],
)
def test_files_that_no_package_holds(name: str) -> None:
    body = json.loads(DATA)
    body["files"][name] = "0" * 64
    assert refusal(json.dumps(body).encode())[0] == "manifest-corrupt"


def test_the_examples_file_names_are_all_known() -> None:
    assert set(load(DATA, file="x").files) == set(FILES) - {manifests.NAME}


def test_a_time_in_the_last_year_is_taken() -> None:
    late = manifest_of({}, build_time=datetime(LATEST.year, 1, 1, 0, 1, 1, tzinfo=UTC))
    assert load(dump(late), file="x") == late
