"""From YAML text to a tree, with less of YAML than YAML has.

Accepted are mappings with text keys, lists and scalars. Refused are duplicate keys, anchors,
aliases, merge keys, tags and deep nesting: none of them is needed, and each has hidden a
value from a reviewer or exhausted a machine somewhere. Only `true` and `false` are booleans
(`yes` and `on` are text), numbers and dates keep the text that was written.

PyYAML's own messages quote the file, so none of them is passed on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, cast

import yaml

from generator.config.tree import (
    BROKEN,
    Entry,
    Listing,
    Location,
    Node,
    Numeral,
    Place,
    Scalar,
    Section,
    dotted,
)
from generator.errors import Fault
from generator.secrets.shapes import embedded_secret

DEEPEST: Final = 16
"""Levels of nesting; an environment file has three."""

MOST_FAULTS: Final = 100
"""After so many faults of form the rest of a file is not looked at."""

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NUMBER: Final = re.compile(
    r"[-+]?(?:[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)"
)
"""Integers and floats of the YAML 1.2 core schema (YAML 1.2.2, section 10.3.2)."""

_PLAIN_WORDS: Final[dict[str, bool | None]] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}

_CAUSES: Final[dict[str, str]] = {
    "mapping values are not allowed in this context": (
        "a colon stands where no key can be: a wrong indentation, or a value with ': ' in it that "
        "needs quotes"
    ),
    "found character that cannot start any token": (
        "a value begins with a character that YAML keeps for itself (@ ` %) and needs quotes"
    ),
    "found unexpected end of stream": "a quote is opened and never closed",
    "found invalid Unicode character escape code": "an escape names no character",
    "found unknown escape character": (
        "a backslash in double quotes begins no known escape; single quotes keep it as it is"
    ),
    "did not find expected ',' or ']'": "a list in brackets is not closed",
    "did not find expected ',' or '}'": "a mapping in braces is not closed",
    "did not find expected key": "the indentation does not fit the lines above",
    "could not find expected ':'": "a key has no colon after it",
    "did not find expected <document start>": "the indentation does not fit the lines above",
    "block sequence entries are not allowed in this context": "a dash stands where no list can be",
}

_REMEDY: Final = (
    "take it out, replace the secret in Entra, and name only its source: azure.client_secret_from"
)


class _AbandonedError(Exception):
    """The rest of the file is not worth or not safe to read."""


@dataclass(frozen=True, slots=True)
class YamlFile:
    """What a file says, as far as it could be understood, and what is wrong with its form."""

    tree: Section | None
    """None if the file as a whole could not be understood."""

    faults: tuple[Fault, ...] = ()


def read_yaml(text: str, *, file: str) -> YamlFile:
    """Understand the text of one configuration file.

    Args:
        text: The file's text.
        file: The file as the user named it.
    """
    reader = _Reader(text, file)
    try:
        tree = reader.document()
    except yaml.YAMLError as error:
        reader.faults.append(_syntax_fault(error, text, file))
        tree = None
    except _AbandonedError:
        tree = None
    finally:
        reader.close()
    reader.scan_remaining_lines(text)
    return YamlFile(tree, tuple(reader.faults))


class _Reader:
    """Builds one tree from the parser's events, collecting faults."""

    def __init__(self, text: str, file: str) -> None:
        self.faults: list[Fault] = []
        self._file = file
        self._loader = _LOADER(text)
        self._secret_lines: set[int] = set()

    def close(self) -> None:
        self._loader.dispose()

    def document(self) -> Section | None:
        """The tree of the only document, or None with a fault."""
        self._loader.get_event()  # start of the stream
        if isinstance(self._loader.get_event(), yaml.StreamEndEvent):
            self._refuse("empty-file", "the file is empty.")
            return None
        root = self._node(self._loader.get_event(), (), 1)
        self._loader.get_event()  # end of the document
        following = self._loader.get_event()
        if not isinstance(following, yaml.StreamEndEvent):
            line = _line(following)
            self._refuse("several-documents", "a second document begins here (---).", line)
            return None
        if isinstance(root, Section):
            return root
        if isinstance(root, Scalar) and root.value is None:
            self._refuse("empty-file", "the file is empty.")
        elif not (isinstance(root, Scalar) and root.value is BROKEN):
            line = root.place.line
            self._refuse("not-a-mapping", "the file is no mapping of keys to values.", line)
        return None

    def _refuse(self, code: str, message: str, line: int | None = None) -> None:
        step = "write `key: value` lines; docs/environment-file.md lists every key"
        self.faults.append(Fault(code, message, file=self._file, line=line, next=step))

    def _fault(
        self, code: str, message: str, line: int, location: Location, step: str | None = None
    ) -> None:
        path = dotted(location) or None
        self.faults.append(Fault(code, message, file=self._file, line=line, path=path, next=step))
        if len(self.faults) >= MOST_FAULTS:
            raise _AbandonedError

    def _node(self, event: yaml.Event, location: Location, depth: int) -> Node:
        line = _line(event)
        place = Place(self._file, line)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, location)
        if isinstance(event, yaml.AliasEvent):
            self._no_anchors(line, location)
            return Scalar(BROKEN, place)
        start = cast(yaml.CollectionStartEvent, event)
        if start.anchor is not None:
            self._no_anchors(line, location)
        if start.tag is not None:
            self._no_tags(line, location)
        if depth > DEEPEST:
            self._fault("nested-too-deep", f"nested deeper than {DEEPEST} levels.", line, location)
            raise _AbandonedError
        if isinstance(event, yaml.MappingStartEvent):
            return Section(self._entries(location, depth), place)
        return Listing(self._items(location, depth), place)

    def _items(self, location: Location, depth: int) -> tuple[Node, ...]:
        items: list[Node] = []
        while not isinstance(event := self._loader.get_event(), yaml.SequenceEndEvent):
            items.append(self._node(event, (*location, len(items)), depth + 1))
        return tuple(items)

    def _entries(self, location: Location, depth: int) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        while not isinstance(event := self._loader.get_event(), yaml.MappingEndEvent):
            key = self._key(event, location, depth)
            place = Place(self._file, _line(event))
            inside = location if key is None else (*location, key)
            value = self._node(self._loader.get_event(), inside, depth + 1)
            if key is None:
                continue
            if key in entries:
                first = entries[key].place
                message = f"the key stands here a second time; first on line {first.line}."
                self._fault("duplicate-key", message, place.line, inside, "keep one of the two")
                place, value = first, Scalar(BROKEN, first)
            entries[key] = Entry(place, value)
        return entries

    def _key(self, event: yaml.Event, location: Location, depth: int) -> str | None:
        """The key's text, or None with a fault if it is none."""
        line = _line(event)
        if isinstance(event, yaml.ScalarEvent):
            key = self._scalar(event, location).value
            if key is BROKEN:
                return None
            if event.value == "<<":
                self._fault(
                    "merge-key",
                    "merge keys (<<) are not accepted.",
                    line,
                    location,
                    "write it out",
                )
                return None
            if isinstance(key, str) and not isinstance(key, Numeral) and key:
                return key
        else:
            self._node(event, location, depth + 1)
        self._fault("not-a-key", "the key is no word.", line, location, "quote it, or remove it")
        return None

    def _scalar(self, event: yaml.ScalarEvent, location: Location) -> Scalar:
        line = _line(event)
        place = Place(self._file, line)
        before = len(self.faults)
        kind = embedded_secret(event.value)
        if kind is not None:
            self._secret_lines.update(range(line, _last_line(event) + 1))
            self._secret(kind, line, location)
        if event.anchor is not None:
            self._no_anchors(line, location)
        if event.tag is not None:
            self._no_tags(line, location)
        if len(self.faults) > before:
            return Scalar(BROKEN, place)
        if not event.implicit[0]:
            return Scalar(event.value, place)
        if event.value in _PLAIN_WORDS:
            return Scalar(_PLAIN_WORDS[event.value], place)
        return Scalar(Numeral(event.value) if is_number(event.value) else event.value, place)

    def _no_anchors(self, line: int, location: Location) -> None:
        self._fault(
            "alias",
            "anchors (&name) and aliases (*name) are not accepted.",
            line,
            location,
            "write the value out; quote a text that begins with & or *",
        )

    def _no_tags(self, line: int, location: Location) -> None:
        self._fault(
            "tag",
            "tags (!name) are not accepted.",
            line,
            location,
            "remove it; quote a text that begins with an exclamation mark",
        )

    def _secret(self, kind: str, line: int, location: Location) -> None:
        self._fault(*_secret_message("value", kind), line, location, _REMEDY)

    def scan_remaining_lines(self, text: str) -> None:
        """Find secrets where the tree has nothing: in comments and behind a broken line."""
        if embedded_secret(text) is None:
            return
        room = MOST_FAULTS - len(self.faults)
        for number, content in enumerate(text.split("\n"), start=1):
            kind = embedded_secret(content)
            if kind is None or number in self._secret_lines or room <= 0:
                continue
            room -= 1
            code, message = _secret_message("line", kind)
            self.faults.append(Fault(code, message, file=self._file, line=number, next=_REMEDY))


def is_number(text: str) -> bool:
    """Whether unquoted `text` is a number to YAML 1.2."""
    return text[0] in "-+.0123456789" and _NUMBER.fullmatch(text) is not None


def _secret_message(what: str, kind: str) -> tuple[str, str]:
    return (
        "secret-in-file",
        f"the {what} holds what looks like a secret ({kind}); no secret belongs in a file.",
    )


def _line(event: yaml.Event) -> int:
    return cast(yaml.Mark, event.start_mark).line + 1


def _last_line(event: yaml.Event) -> int:
    return cast(yaml.Mark, event.end_mark).line + 1


def _syntax_fault(error: yaml.YAMLError, text: str, file: str) -> Fault:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Fault("not-yaml", "the file cannot be read as YAML.", file=file)
    mark = error.problem_mark
    lines = text.split("\n")
    here = lines[mark.line] if mark.line < len(lines) else ""
    cause = _CAUSES.get(str(error.problem), "the line cannot be read as YAML")
    if re.match(r"\s*\t", here):
        cause = "the line is indented with a tab; YAML wants spaces"
    message = f"not YAML at column {mark.column + 1}: {cause}."
    return Fault("not-yaml", message, file=file, line=mark.line + 1)
