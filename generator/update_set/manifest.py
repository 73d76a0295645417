"""`manifest.json`: a package's digests, history and provenance; committed with the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeVar

from lxml import etree

from generator.clock import EARLIEST, LATEST
from generator.errors import Fault, Refused
from generator.update_set.history import History, RecordHistory, Retired
from generator.update_set.records import Stamps

SCHEMA = 1
NAME = "manifest.json"
MAX_BYTES = 32 << 20

_CONFLICT = re.compile(rb"^(<<<<<<<|=======|>>>>>>>)( |\r?$)", re.MULTILINE)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SYS_ID = re.compile(r"[0-9a-f]{32}")
_FILE = re.compile(
    r"SUMMARY\.md|email_account\.xml|sys_remote_update_set_[0-9a-f]{32}\.xml"
    r"|records/[a-z0-9_]+/[0-9a-f]{32}\.xml"
)
"""What a package may hold. What a manifest lists is removed when it is no longer rendered, so that
one that was tampered with must not name the user's own files."""

_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
_SHIPPED = "INSERT_OR_UPDATE"
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_STAMP = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class ManifestSet:
    """One update set of the package."""

    role: str
    name: str
    sys_id: str
    remote_sys_id: str
    file: str
    """The file it stands in."""

    updates: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything a package remembers."""

    tool: str
    """Version of the tool that last changed content."""

    environment: str
    app_scope: str
    layout: str
    live: bool
    """Whether the package was rendered with `email_account.live`, which keeps the account out of
    its sets; taken back, it would switch the account off again."""

    inputs: str
    """SHA-256 of the understood values at the last change of content."""

    digest: str
    """D of `docs/decisions.md`, 3."""

    sets: tuple[ManifestSet, ...]
    history: History
    files: Mapping[str, str]
    """Relative name of every other file of the package, to the SHA-256 of its bytes."""


class _Malformed(Exception):
    """A part of the manifest is not what it must be."""


def dump(manifest: Manifest) -> bytes:
    """The manifest as it is written: sorted, one line for each entry, LF, ASCII."""
    history = manifest.history
    body = {
        "schema": SCHEMA,
        "tool": manifest.tool,
        "environment": manifest.environment,
        "app_scope": manifest.app_scope,
        "layout": manifest.layout,
        "live": manifest.live,
        "inputs": manifest.inputs,
        "content": history.content,
        "digest": manifest.digest,
        "build_time": history.build_time.astimezone(UTC).strftime(_TIME),
        "sets": [
            {
                "role": entry.role,
                "name": entry.name,
                "sys_id": entry.sys_id,
                "remote_sys_id": entry.remote_sys_id,
                "file": entry.file,
                "updates": entry.updates,
            }
            for entry in manifest.sets
        ],
        "records": {
            record.name: {
                "logical_name": record.logical_name,
                "content": record.digest,
                "sys_created_on": record.stamps.created_on,
                "sys_updated_on": record.stamps.updated_on,
                "sys_mod_count": record.stamps.mod_count,
            }
            for record in sorted(history.records.values(), key=lambda record: record.name)
        },
        "retired": {
            record.name: {
                "logical_name": record.logical_name,
                "label": record.label,
                "type": record.type,
                "row_table": record.row_table,
                "application": record.application,
                "acknowledged": record.acknowledged,
                "payload": record.payload,
            }
            for record in sorted(history.retired.values(), key=lambda record: record.name)
        },
        "files": dict(sorted(manifest.files.items())),
    }
    return ("{\n" + ",\n".join(_lines(body)) + "\n}\n").encode()


def _lines(body: Mapping[str, object]) -> Iterator[str]:
    """One line for each value, record and file: what changed is one line of a diff."""
    for key, value in body.items():
        if isinstance(value, dict) and value:
            inner = [
                f"    {json.dumps(name)}: {json.dumps(entry)}" for name, entry in value.items()
            ]
            yield f"  {json.dumps(key)}: {{\n" + ",\n".join(inner) + "\n  }"
        elif isinstance(value, list) and value:
            inner = [f"    {json.dumps(entry)}" for entry in value]
            yield f"  {json.dumps(key)}: [\n" + ",\n".join(inner) + "\n  ]"
        else:
            yield f"  {json.dumps(key)}: {json.dumps(value)}"


def load(data: bytes, *, file: str) -> Manifest:
    """Read a manifest.

    Args:
        data: Its bytes.
        file: What to call it in errors.

    Raises:
        Refused: It is conflicted, newer than this tool, or not what was written.
    """
    if _CONFLICT.search(data):
        raise _refused(
            "manifest-conflicted",
            "The manifest holds conflict markers of a merge.",
            file,
            "take one side's manifest (git checkout --ours -- manifest.json in that directory), "
            "remove the sys_remote_update_set_*.xml beside it, then render again and git add all",
        )
    try:
        body = json.loads(data[:MAX_BYTES])
    except (ValueError, RecursionError):
        raise _corrupt(file, "it is not JSON") from None
    try:
        if not isinstance(body, dict):
            raise _Malformed("it is no JSON object")
        schema = _get(body, "schema", int)
        if schema < 1:
            raise _Malformed("schema is no form that ever was")
        if schema > SCHEMA:
            raise _refused(
                "manifest-newer",
                f"The manifest has form {schema}; this version of sn-smtp knows up to {SCHEMA}.",
                file,
                "update sn-smtp to the version that rendered this package, or a later one",
            )
        return _manifest(body)
    except _Malformed as error:
        raise _corrupt(file, str(error)) from None


def _manifest(body: dict[str, object]) -> Manifest:
    records = {name: _record(name, entry) for name, entry in _get(body, "records", dict).items()}
    retired = {name: _retired(name, entry) for name, entry in _get(body, "retired", dict).items()}
    build_time = _time(_get(body, "build_time", str), _TIME, "build_time")
    if not EARLIEST.year <= build_time.year <= LATEST.year:
        raise _Malformed(f"build_time is not between {EARLIEST.year} and {LATEST.year}")
    files = _get(body, "files", dict)
    for name, digest in files.items():
        if (
            not _FILE.fullmatch(name)
            or not isinstance(digest, str)
            or not _SHA256.fullmatch(digest)
        ):
            raise _Malformed("files names something that no package holds")
    sets = tuple(_set(entry) for entry in _get(body, "sets", list))
    if any(entry.file not in files for entry in sets):
        raise _Malformed("sets names a file that files does not list")
    return Manifest(
        tool=_get(body, "tool", str),
        environment=_get(body, "environment", str),
        app_scope=_get(body, "app_scope", str),
        layout=_get(body, "layout", str),
        live=_get(body, "live", bool),
        inputs=_get(body, "inputs", str),
        digest=_get(body, "digest", str),
        sets=sets,
        history=History(build_time, _get(body, "content", str), records, retired),
        files=files,
    )


def _set(entry: object) -> ManifestSet:
    body = _object(entry, "sets")
    found = ManifestSet(
        role=_get(body, "role", str),
        name=_get(body, "name", str),
        sys_id=_get(body, "sys_id", str),
        remote_sys_id=_get(body, "remote_sys_id", str),
        file=_get(body, "file", str),
        updates=_get(body, "updates", int),
    )
    if not (_SYS_ID.fullmatch(found.sys_id) and _SYS_ID.fullmatch(found.remote_sys_id)):
        raise _Malformed("sets holds a sys_id that is none")
    return found


def _record(name: str, entry: object) -> RecordHistory:
    body = _object(entry, "records")
    stamps = Stamps(
        _get(body, "sys_created_on", str),
        _get(body, "sys_updated_on", str),
        _get(body, "sys_mod_count", int),
    )
    for stamp in (stamps.created_on, stamps.updated_on):
        _time(stamp, _STAMP, f"records: a stamp of {name}")
    if stamps.mod_count < 0:
        raise _Malformed(f"records: sys_mod_count of {name} is negative")
    return RecordHistory(name, _get(body, "logical_name", str), _get(body, "content", str), stamps)


def _retired(name: str, entry: object) -> Retired:
    body = _object(entry, "retired")
    found = Retired(
        name=name,
        logical_name=_get(body, "logical_name", str),
        label=_get(body, "label", str),
        type=_get(body, "type", str),
        row_table=_get(body, "row_table", str),
        application=_get(body, "application", str),
        payload=_get(body, "payload", str),
        acknowledged=_get(body, "acknowledged", bool),
    )
    if found.payload and not _is_payload_of(name, found.payload):
        raise _Malformed(f"retired: the payload of {name} is not that record's")
    return found


def _is_payload_of(name: str, payload: str) -> bool:
    """Whether a payload, which may become a DELETE row, is whole and holds the record it names."""
    try:
        root = etree.fromstring(payload.encode(), _PARSER)
    except (etree.XMLSyntaxError, ValueError):
        return False
    if root.tag != "record_update" or not len(root):
        return False
    head = root[0]
    expected = f"{root.get('table')}_{head.findtext('sys_id')}"
    return head.tag == root.get("table") and head.get("action") == _SHIPPED and name == expected


T = TypeVar("T")


def _get(body: dict[str, object], key: str, kind: type[T]) -> T:
    value = body.get(key)
    if type(value) is not kind:
        raise _Malformed(f"{key} is missing or of the wrong kind")
    return value


def _time(text: str, form: str, what: str) -> datetime:
    moment = _parsed(text, form)
    if moment is None:
        raise _Malformed(f"{what} is no time")
    return moment


@lru_cache(maxsize=256)
def _parsed(text: str, form: str) -> datetime | None:
    try:
        moment = datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        return None
    # strptime also takes single digits, which would not be written back as they were.
    return moment if moment.strftime(form) == text else None


def _object(entry: object, where: str) -> dict[str, object]:
    if not isinstance(entry, dict):
        raise _Malformed(f"{where} holds something that is no object")
    return entry


def _corrupt(file: str, why: str) -> Refused:
    return _refused(
        "manifest-corrupt",
        f"The manifest cannot be used: {why}.",
        file,
        "restore it from version control (git checkout -- manifest.json in that directory), "
        "so that the package's history goes on",
    )


def _refused(code: str, message: str, file: str, next_step: str) -> Refused:
    return Refused(Fault(code, message, file=file, next=next_step))
