"""One environment from understood inputs to the bytes of its package; touches no file."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from datetime import datetime
from hashlib import sha256

from lxml import etree

from generator import __version__
from generator.config.environment import Environment, Layout
from generator.errors import ConfigError, Fault
from generator.integration.integration import Integration, SetContents, integrate
from generator.integration.sys_ids import NAMESPACE
from generator.report.summary import Left, SetInFile, Summaries
from generator.retired import LastRows, deletion, is_deleted, retired_records
from generator.update_set import manifest as manifests
from generator.update_set.build import (
    DELETE,
    INSERT_OR_UPDATE,
    Built,
    PackageDraft,
    Row,
    SetDraft,
    build,
    content_digest,
)
from generator.update_set.history import Draft, History, Moved, Retired, advance, timestamp
from generator.update_set.labels import ROW_TYPES
from generator.update_set.manifest import Manifest, ManifestSet
from generator.update_set.payload import Payload, PayloadRenderer, xml_parser
from generator.update_set.records import Record
from generator.update_set.store import digests
from generator.update_set.templates import Templates
from generator.update_set.writer import write


@dataclass(frozen=True, slots=True)
class Rendering:
    """A package in memory."""

    environment: Environment
    files: Mapping[str, bytes]
    """Relative name to bytes, `manifest.json` among them."""

    manifest: Manifest
    changed: bool
    """Whether content changed since the last render, or times were moved on request."""

    updates: int
    """Number of rows in all its sets."""

    retired: tuple[Retired, ...]
    """Records that a former render had and this one lacks."""


class PackageRenderer:
    """Renders environments; what is the same text is rendered and hashed once."""

    def __init__(self, templates: Templates, *, now: datetime) -> None:
        """Take the templates and the moment.

        Args:
            templates: Record, envelope and summary templates.
            now: The clock, read once for all, aware.
        """
        self._templates = templates
        self._payloads = PayloadRenderer(templates)
        self._summaries = Summaries(templates)
        self._now = now

    def render(
        self,
        environment: Environment,
        *,
        previous: Manifest | None,
        last_rows: LastRows,
        again: Collection[str] = (),
    ) -> Rendering:
        """Render one environment.

        Args:
            environment: The understood inputs.
            previous: The manifest in place, None for a first render.
            last_rows: The rows in place.
            again: Records whose time is moved without a change (`history.advance`).

        Raises:
            ConfigError: A template of the user's is faulty.
            InternalError: What was rendered does not read back.
        """
        integration = integrate(environment)
        rows = {record.update_name: self._row(record) for record in integration.records()}
        retired = retired_records(environment, integration, previous, last_rows)
        package = _package(environment, integration, rows, retired)
        content = content_digest(package)
        drafts = [
            Draft(
                record.update_name, record.logical_name, rows[record.update_name].unstamped.digest
            )
            for record in integration.records()
        ]
        history = None if previous is None else previous.history
        moved = advance(history, drafts, content=content, now=self._now, again=again)
        payloads = self._stamped(package, moved)
        built = build(package, payloads, build_time=moved.build_time, namespace=NAMESPACE)
        files = self._files(environment, integration, built, payloads, moved, retired)
        manifest = _manifest(environment, built, content, moved, retired, files, previous)
        files[manifests.NAME] = manifests.dump(manifest)
        return Rendering(
            environment=environment,
            files=files,
            manifest=manifest,
            changed=moved.changed,
            updates=sum(entry.rows for entry in built.sets),
            retired=retired,
        )

    def _row(self, record: Record) -> Row:
        return Row(
            name=record.update_name,
            action=INSERT_OR_UPDATE,
            type=ROW_TYPES[record.table],
            target_name=record.label,
            table=record.row_table,
            application=record.application.sys_id,
            application_name=record.application.name,
            unstamped=self._payloads.unstamped(record),
        )

    def _stamped(self, package: PackageDraft, moved: Moved) -> dict[str, Payload]:
        return {
            row.name: self._payloads.fixed(row.unstamped)
            if row.action == DELETE
            else self._payloads.payload(row.unstamped, moved.records[row.name].stamps)
            for row in package.rows()
        }

    def _files(
        self,
        environment: Environment,
        integration: Integration,
        built: Built,
        payloads: Mapping[str, Payload],
        moved: Moved,
        retired: tuple[Retired, ...],
    ) -> dict[str, bytes]:
        files = {file.name: write(self._templates, file.unload) for file in built.files}
        for record in integration.records():
            path = f"records/{record.table}/{record.sys_id}.xml"
            files[path] = payloads[record.update_name].pretty
        files["email_account.xml"] = self._data_import(
            integration.account.table, payloads[integration.account.update_name], moved.build_time
        )
        files["SUMMARY.md"] = self._summaries.render(
            environment,
            integration,
            sets=tuple(
                SetInFile(contents, _file_of(built, index), entry.rows)
                for index, (contents, entry) in enumerate(
                    zip(integration.sets, built.sets, strict=True)
                )
            ),
            build_time=timestamp(moved.build_time),
            left=tuple(
                Left(entry.label or entry.name, entry.name, deleted=is_deleted(environment, entry))
                for entry in retired
            ),
        )
        return files

    def _data_import(self, table: str, payload: Payload, build_time: datetime) -> bytes:
        root = etree.fromstring(payload.text.encode(), xml_parser())
        record = next(root.iterchildren(table), None)
        if record is None:
            raise _no_record(table)
        fields_ = [
            (field.tag, field.text or "", field.get("display_value"))
            for field in record.iterchildren("*")
        ]
        return self._templates.render(
            "update_set/data_import.xml.j2",
            {"unload_date": timestamp(build_time), "table": table, "fields": fields_},
        ).encode()


def _no_record(table: str) -> ConfigError:
    return ConfigError(
        Fault(
            "template-failed",
            f"The template records/{table}.xml.j2 prints no record of that table.",
            next="correct your template, or remove it so that the built-in one is used",
        )
    )


_NOT_RENDERED = ("directory", "notices", "instance", "imports", "azure.secret_hint")


def inputs_digest(environment: Environment) -> str:
    """SHA-256 of the understood values: not of file bytes, not of where they lie."""
    values = {
        field.name: _plain(getattr(environment, field.name), below=f"{field.name}.")
        for field in fields(environment)
        if field.name not in _NOT_RENDERED
    }
    return sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


def _plain(value: object, *, below: str) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {k: v for k, v in asdict(value).items() if below + k not in _NOT_RENDERED}
    return value


def _package(
    environment: Environment,
    integration: Integration,
    rows: Mapping[str, Row],
    retired: tuple[Retired, ...],
) -> PackageDraft:
    sets = tuple(_set_draft(environment, contents, rows, retired) for contents in integration.sets)
    shipped = {row.name for draft in sets for row in draft.rows}
    return PackageDraft(
        batch=environment.layout is Layout.BATCH,
        author=environment.author,
        sets=sets,
        beside=tuple(row for name, row in rows.items() if name not in shipped),
    )


def _set_draft(
    environment: Environment,
    contents: SetContents,
    rows: Mapping[str, Row],
    retired: tuple[Retired, ...],
) -> SetDraft:
    own = tuple(rows[record.update_name] for record in contents.records)
    deletions = tuple(
        deletion(entry, contents)
        for entry in retired
        if entry.application == contents.application.sys_id and is_deleted(environment, entry)
    )
    return SetDraft(
        role=contents.role,
        name=contents.name,
        description=contents.description,
        application=contents.application,
        rows=own + deletions,
    )


def _file_of(built: Built, index: int) -> str:
    return built.files[min(index, len(built.files) - 1)].name


def _manifest(
    environment: Environment,
    built: Built,
    content: str,
    moved: Moved,
    retired: tuple[Retired, ...],
    files: Mapping[str, bytes],
    previous: Manifest | None,
) -> Manifest:
    # Provenance is that of the last change of content; alone it never causes one.
    provenance = None if moved.changed else previous
    return Manifest(
        tool=__version__ if provenance is None else provenance.tool,
        inputs=inputs_digest(environment) if provenance is None else provenance.inputs,
        environment=environment.name,
        app_scope=environment.app.scope,
        layout=environment.layout.value,
        live=environment.email_account.live,
        digest=built.digest,
        sets=tuple(
            ManifestSet(
                role=entry.role,
                name=entry.name,
                sys_id=entry.sys_id,
                remote_sys_id=entry.remote_sys_id,
                file=_file_of(built, index),
                updates=entry.rows,
            )
            for index, entry in enumerate(built.sets)
        ),
        history=History(
            build_time=moved.build_time,
            content=content,
            records=moved.records,
            retired={entry.name: entry for entry in retired},
        ),
        files=digests(files),
    )
