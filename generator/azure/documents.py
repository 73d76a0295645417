"""From a file's bytes to a JSON document, whatever shell wrote it.

`spec/azure-and-smtp.md` section 2.3 (e): UTF-8 with or without BOM, UTF-16 with BOM
(PowerShell's `>`), CRLF, leading `WARNING:` lines (az with `2>&1`). Size and depth are bounded,
duplicate keys and NaN refused. A fault never shows what stands in the file, and is returned
instead of raised: `json.JSONDecodeError` holds the whole text, so it must not be chained.
"""

from __future__ import annotations

import codecs
import json
import re
from pathlib import Path

from generator.azure.nodes import JsonValue, Node, shown_key
from generator.errors import Fault

MAX_BYTES = 16 * 1024 * 1024
"""Largest file that is read: a Terraform state of a large estate still fits."""

MAX_DEPTH = 64
"""Deepest nesting that is accepted; a state with ten levels of child modules needs about 30."""

_WARNING_LINE = re.compile(r"\s*WARNING:[^\n]*(?:\n|\Z)")
_TERRAFORM_TEXT = re.compile(r"\s*[a-z_][\w-]* = ", re.IGNORECASE)
_AS_JSON = "write the output again as JSON: az ... -o json, terraform output -json, ConvertTo-Json"


def load(path: Path) -> Node | Fault:
    """Read one file.

    Args:
        path: The file as the user named it; may also be a pipe (`/dev/stdin`).

    Returns:
        The document's root, or what is wrong with the file.
    """
    file = str(path)
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return Fault("file-missing", "there is no such file", file=file, next="check azure.outputs")
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "not a usable name"
        return Fault(
            "file-unreadable", f"cannot be read: {reason}", file=file, next="name a readable file"
        )
    if len(data) > MAX_BYTES:
        return Fault(
            "file-too-large",
            f"is larger than {MAX_BYTES // 1024 // 1024} MiB",
            file=file,
            next="hand over the outputs alone, not the whole state: terraform output -json",
        )
    text = _decode(data)
    if text is None:
        return Fault(
            "not-text",
            "is not UTF-8, and not UTF-16 with a byte order mark",
            file=file,
            next=_AS_JSON,
        )
    return parse(text, file=file)


def parse(text: str, *, file: str) -> Node | Fault:
    """Parse one document; see `load`."""
    start = 0
    while warning := _WARNING_LINE.match(text, start):
        start = warning.end()
    skipped = text.count("\n", 0, start)
    text = text[start:]
    if not text.strip():
        return Fault("file-empty", "holds nothing to read", file=file, next=_AS_JSON)
    value = _loads(text, file=file, skipped=skipped)
    if isinstance(value, Fault):
        return value
    if _deeper_than(value, MAX_DEPTH):
        return _too_deep(file)
    return Node(file, "", value)


def _decode(data: bytes) -> str | None:
    # The UTF-32 mark begins with the UTF-16 one, so it is looked for first.
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return None
    marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


class _DuplicateKeyError(Exception):
    """An object names a key twice; the argument is the key as it may be shown."""


def _pairs(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _DuplicateKeyError(shown_key(key))
            seen.add(key)
    return result


class _NotANumberError(Exception):
    """NaN or Infinity, which JSON does not know."""


def _refuse_constant(_: str) -> float:
    raise _NotANumberError


def _loads(text: str, *, file: str, skipped: int) -> JsonValue | Fault:
    try:
        value: JsonValue = json.loads(
            text, object_pairs_hook=_pairs, parse_constant=_refuse_constant
        )
    except json.JSONDecodeError as error:
        return _not_json(text, file=file, line=error.lineno + skipped, reason=error.msg)
    except _DuplicateKeyError as error:
        return Fault(
            "duplicate-key", f"an object holds the key {error} twice", file=file, next=_AS_JSON
        )
    except _NotANumberError:
        return Fault("not-json", "holds NaN or Infinity, which is not JSON", file=file)
    except RecursionError:
        return _too_deep(file)
    except ValueError:
        return Fault("not-json", "holds a number that is too long", file=file)
    return value


def _not_json(text: str, *, file: str, line: int, reason: str) -> Fault:
    if _TERRAFORM_TEXT.match(text):
        return Fault(
            "terraform-text",
            "looks like `terraform output` without -json, where secrets read <sensitive>",
            file=file,
            line=line,
            next="write it again with: terraform output -json",
        )
    return Fault("not-json", f"is not JSON: {reason}", file=file, line=line, next=_AS_JSON)


def _too_deep(file: str) -> Fault:
    return Fault("too-deep", f"is nested deeper than {MAX_DEPTH} levels", file=file)


def _deeper_than(value: JsonValue, limit: int) -> bool:
    """Whether arrays and objects nest deeper than `limit`; without recursion."""
    level = [value]
    for _ in range(limit):
        level = [
            child
            for item in level
            if isinstance(item, (dict, list))
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True
