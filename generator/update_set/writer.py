"""Writes an update set file in the platform's own bytes (`spec/update-set-format.md` section 2).

The layout is `templates/update_set/unload.xml.j2`; how a text stands in its element is decided
in `generator.update_set.serialize`. Sets and updates may be iterators, so that a large file is
written in flat memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO

from jinja2 import TemplateError

from generator.errors import UnreadableError
from generator.update_set.model import Unload, Update, UpdateSet
from generator.update_set.reader import Export
from generator.update_set.templates import Templates

TEMPLATE = "update_set/unload.xml.j2"


def write(templates: Templates, unload: Unload) -> bytes:
    """The bytes of a whole file.

    Raises:
        ConfigError: The envelope template is missing or faulty, or one of the user's does not
            write what it was given.
    """
    context = _context(unload.unload_date, unload.sets, unload.updates, "")
    data = templates.encode(TEMPLATE, context)
    if templates.is_overridden(TEMPLATE):
        # The built-in one is proven over every native export; reading back costs half a render.
        _read_back(templates, data, unload)
    return data


def _read_back(templates: Templates, data: bytes, unload: Unload) -> None:
    try:
        export = Export(BytesIO(data), TEMPLATE)
        updates = [update.elements for update in export.updates()]
    except UnreadableError as error:
        raise templates.fault(TEMPLATE, TemplateError(error.faults[0].message)) from None
    if (
        export.unload_date != unload.unload_date
        or [found.elements for found in export.sets] != [given.elements for given in unload.sets]
        or updates != [given.elements for given in unload.updates]
        or export.strangers
        or export.out_of_order
    ):
        reason = TemplateError("what it writes does not read back as what it was given")
        raise templates.fault(TEMPLATE, reason)


def write_chunks(
    templates: Templates,
    unload_date: str,
    sets: Iterable[UpdateSet],
    updates: Iterable[Update],
    *,
    break_after_declaration: bool = False,
) -> Iterator[bytes]:
    """The bytes of a file, piece by piece.

    Args:
        templates: Where the envelope template comes from.
        unload_date: `YYYY-MM-DD HH:MM:SS`, UTC.
        sets: All sets in file order.
        updates: All updates in file order.
        break_after_declaration: The form of exports until early 2019.

    Raises:
        ConfigError: The envelope template is missing or faulty.
    """
    lead = "\n" if break_after_declaration else ""
    stream = templates.get(TEMPLATE).stream(_context(unload_date, sets, updates, lead))
    stream.enable_buffering(64)
    try:
        for piece in stream:
            yield piece.encode()
    except Exception as error:
        raise templates.fault(TEMPLATE, error) from None


def _context(
    unload_date: str, sets: Iterable[UpdateSet], updates: Iterable[Update], lead: str
) -> dict[str, object]:
    return {
        "break": lead,
        "unload_date": unload_date,
        "sets": (update_set.elements for update_set in sets),
        "updates": (update.elements for update in updates),
    }
