"""Small packages, records and sets that the tests of the room share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from generator.update_set import manifest as manifests
from generator.update_set.build import INSERT_OR_UPDATE, PackageDraft, Row, SetDraft
from generator.update_set.history import History, RecordHistory, timestamp
from generator.update_set.manifest import Manifest, ManifestSet
from generator.update_set.model import SysId
from generator.update_set.payload import DECLARATION, Payload, Unstamped
from generator.update_set.payload_hash import payload_hash
from generator.update_set.records import (
    CREATED_ON,
    GLOBAL,
    MOD_COUNT,
    UPDATED_ON,
    Application,
    Record,
    Stamps,
    Value,
)
from generator.update_set.store import digests

BUILD = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
APP = Application(sys_id="a" * 32, name="Mail OAuth", scope="x_acme_mail", version="1.0.0")


def sys_id(number: int) -> SysId:
    """A sys_id that tests can tell from others."""
    return SysId(f"{number:032x}")


def record(table: str = "oauth_thing", number: int = 1, **fields: Value) -> Record:
    """A record of a table that only tests know."""
    return Record(
        table=table,
        logical_name=f"{table}.{number}",
        sys_id=sys_id(number),
        application=GLOBAL,
        fields={"name": "A thing", **fields},
        label="A thing",
        purpose="Tests.",
    )


def unstamped(body: str) -> Unstamped:
    """A rendered payload with stand-ins for its stamps."""
    stamps = (
        f"<sys_created_on>{CREATED_ON}</sys_created_on>"
        f"<sys_mod_count>{MOD_COUNT}</sys_mod_count>"
        f"<sys_updated_on>{UPDATED_ON}</sys_updated_on>"
    )
    text = f'{DECLARATION}<record_update table="t"><t>{body}{stamps}</t></record_update>'
    return Unstamped(text, sha256(text.encode()).hexdigest())


def row(name: str, body: str = "", *, action: str = INSERT_OR_UPDATE) -> Row:
    """A row of the global application."""
    return Row(
        name=name,
        action=action,
        type="Thing",
        target_name=f"The {name}",
        table="",
        application="global",
        application_name="Global",
        unstamped=unstamped(body or f"<name>{name}</name>"),
    )


def payload(given: Row, moment: datetime = BUILD) -> Payload:
    """The stamped payload of a row."""
    stamp = timestamp(moment - timedelta(seconds=60))
    text = given.unstamped.stamped(Stamps(stamp, stamp, 0))
    return Payload(text, payload_hash(text), sha256(text.encode()).hexdigest(), b"")


def package(*, batch: bool = True, beside: tuple[Row, ...] = ()) -> PackageDraft:
    """A package of two sets: two global rows and three of the app."""
    return PackageDraft(
        batch=batch,
        author="admin",
        sets=(
            SetDraft("global", "Mail OAuth 1.0.0 (dev)", "first", GLOBAL, (row("g_1"), row("g_2"))),
            SetDraft(
                "app", "Mail OAuth 1.0.0 (dev)", "second", APP, (row("a_1"), row("a_2"), row("a_3"))
            ),
        ),
        beside=beside,
    )


def manifest_of(files: Mapping[str, bytes], *, build_time: datetime = BUILD) -> Manifest:
    """The manifest that belongs to package files."""
    stamp = timestamp(build_time - timedelta(seconds=60))
    name = "oauth_thing_" + sys_id(1)
    sets = [entry for entry in files if entry.startswith("sys_remote_update_set_")]
    return Manifest(
        tool="0.1.0",
        environment="dev",
        app_scope="x_acme_mail",
        layout="batch",
        live=False,
        inputs="1" * 64,
        digest="2" * 64,
        sets=tuple(
            ManifestSet("global", "Mail OAuth", sys_id(7), sys_id(8), file, 1) for file in sets
        ),
        history=History(
            build_time=build_time,
            content="3" * 64,
            records={name: RecordHistory(name, "oauth_thing", "4" * 64, Stamps(stamp, stamp, 0))},
            retired={},
        ),
        files=digests(files),
    )


def package_files(generation: int) -> tuple[dict[str, bytes], Manifest]:
    """A small package on its way to disk; generations share a file, replace, add and remove."""
    said = f"generation {generation}\n".encode()
    files = {
        f"sys_remote_update_set_{sys_id(1000 + generation)}.xml": b"<unload/> " + said,
        "records/oauth_thing/" + sys_id(1) + ".xml": b"the same in every generation\n",
        "records/oauth_thing/" + sys_id(2) + ".xml": said,
        f"records/table_{generation}/" + sys_id(3) + ".xml": b"a table of its own\n",
        "email_account.xml": b"<email/> " + said,
        "SUMMARY.md": b"# " + said,
    }
    manifest = manifest_of(files, build_time=BUILD + timedelta(hours=generation))
    files[manifests.NAME] = manifests.dump(manifest)
    return files, manifest
