"""What the tests of the scoped app share: inputs, rendered payloads, the checker of shapes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from lxml import etree

from generator.config.environment import Release
from generator.integration.scoped_app import AppInputs, app_records, secret_expires_on_record
from generator.update_set.payload import Payload, PayloadRenderer
from generator.update_set.records import Record, Stamps
from generator.update_set.templates import Templates

STAMPS = Stamps("2026-11-23 08:00:00", "2026-11-23 09:00:00", 3)
EXPIRES = datetime(2027, 5, 4, 3, 2, 1, tzinfo=UTC)
ODD_NAME = "Sm<t>p & \"Öäth\" 'مرحبا' ]]> {{ 7 * 7 }}"

_RENDERER = PayloadRenderer(Templates())


def app_inputs(
    *,
    name: str = "SMTP OAuth",
    scope: str = "x_acme_smtp",
    integration: str = "smtp",
    vendor: str = "Acme",
    release: Release = Release.XANADU,
    adopted: tuple[tuple[str, str], ...] = (),
) -> AppInputs:
    return AppInputs(
        name=name,
        scope=scope,
        version="1.0.0",
        vendor=vendor,
        integration=integration,
        author="admin",
        release=release,
        adopted=adopted,
    )


def all_records(inputs: AppInputs) -> tuple[Record, ...]:
    return (*app_records(inputs), secret_expires_on_record(inputs, EXPIRES))


def record_named(inputs: AppInputs, logical_name: str) -> Record:
    return next(r for r in all_records(inputs) if r.logical_name == logical_name)


def payload_of(record: Record, *, action: str = "INSERT_OR_UPDATE") -> Payload:
    return _RENDERER.payload(_RENDERER.unstamped(record, action=action), STAMPS)


def parsed(record: Record, *, action: str = "INSERT_OR_UPDATE") -> etree._Element:
    return etree.fromstring(payload_of(record, action=action).text.encode())


def departures(shared: Path, directory: Path, records: Iterable[Record], *arguments: str) -> str:
    """What `record_shape.py` says about the payloads, its exit code first."""
    files = []
    for record in records:
        file = directory / f"{record.update_name}.xml"
        file.write_bytes(payload_of(record).text.encode())
        files.append(file)
    command = [sys.executable, shared / "tools" / "record_shape.py", *arguments, *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"{done.returncode} {done.stdout}{done.stderr}"


def children(payload: etree._Element) -> Iterator[tuple[str, str]]:
    """Name and identity of every record and UUID inside an action's payload; no labels in it."""
    elements = {
        c.findtext("sys_id"): c.findtext("element")
        for c in payload
        if c.find("element") is not None
    }
    half = "definition"
    for child in payload:
        if child.tag == "sys_hub_action_type_snapshot":
            half = "snapshot"
        if child.get("action") != "INSERT_OR_UPDATE":
            continue
        told = [half, str(child.tag), child.findtext("element") or child.findtext("field") or ""]
        if child.tag in ("sys_documentation", "sys_element_mapping"):
            owner = child.findtext("name") or child.findtext("table") or ""
            told.insert(2, re.sub("^var__m_|_[0-9a-f]{32}$", "", owner))
        variable = child.find("variable")
        if variable is not None:
            told.append(elements.get(variable.text) or str(variable.get("display_value")))
        name = " ".join(filter(None, told))
        yield name, child.findtext("sys_id") or ""
        unique = re.search("uiUniqueId=([0-9a-f-]+)", child.findtext("attributes") or "")
        if unique:
            yield f"{name} uiUniqueId", unique[1]
        for single in ("cid", "snapshot"):
            if child.findtext(single):
                yield f"{name} {single}", child.findtext(single) or ""
