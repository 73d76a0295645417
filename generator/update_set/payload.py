"""From a record to its payload: rendered once, stamped as often as the history asks."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from lxml import etree

from generator.errors import Fault, InternalError
from generator.secrets.shapes import embedded_secret
from generator.update_set.payload_hash import payload_hash
from generator.update_set.records import CREATED_ON, MOD_COUNT, UPDATED_ON, Record, Stamps
from generator.update_set.templates import Templates

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
_OPENING = f"{DECLARATION}<record_update"
_CLOSING = "</record_update>"
_CACHED = 512

K = TypeVar("K")
V = TypeVar("V")


def xml_parser(*, strip_cdata: bool = True) -> etree.XMLParser:
    """A parser that fetches nothing, expands nothing and bounds depth and size."""
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        strip_cdata=strip_cdata,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Unstamped:
    """A rendered payload whose stamps are still stand-ins."""

    text: str
    """The payload with the stand-ins of `generator.update_set.records` for its stamps."""

    digest: str
    """SHA-256 of that text: the record's content digest."""

    def stamped(self, stamps: Stamps) -> str:
        """The payload as it is written."""
        return (
            self.text.replace(CREATED_ON, stamps.created_on)
            .replace(UPDATED_ON, stamps.updated_on)
            .replace(MOD_COUNT, str(stamps.mod_count))
        )


@dataclass(frozen=True, slots=True, eq=False)
class Payload:
    """A payload ready to be written, read back once."""

    text: str
    """One line, declaration first."""

    hash: str
    """`payload_hash`, the decimal number."""

    digest: str
    """SHA-256 of the text."""

    pretty: bytes
    """The same XML indented by four spaces, as a source-control checkout holds it."""


class PayloadRenderer:
    """Renders records; the same record object with the same stamps is worked on once."""

    def __init__(self, templates: Templates) -> None:
        """Args: templates: Where the record templates come from."""
        self._templates = templates
        self._unstamped: OrderedDict[tuple[Record, str], Unstamped] = OrderedDict()
        self._payloads: OrderedDict[tuple[str, Stamps], Payload] = OrderedDict()

    def unstamped(self, record: Record, *, action: str = "INSERT_OR_UPDATE") -> Unstamped:
        """Render a record without deciding its stamps.

        Raises:
            ConfigError: Its template is missing or faulty.
        """
        key = (record, action)
        known = self._unstamped.get(key)
        if known is None:
            body = self._templates.render(
                f"records/{record.table}.xml.j2",
                {"record": record.fields, "action": action, **record.related},
            )
            text = DECLARATION + body
            known = Unstamped(text, sha256(text.encode()).hexdigest())
        _remember(self._unstamped, key, known)
        return known

    def fixed(self, unstamped: Unstamped) -> Payload:
        """Hash and read back a payload that keeps the stamps it was captured with."""
        return self.payload(unstamped, Stamps("", "", 0))

    def payload(self, unstamped: Unstamped, stamps: Stamps) -> Payload:
        """Stamp, hash and read back a payload.

        Raises:
            InternalError: What was rendered is not well-formed XML on one line.
        """
        key = (unstamped.digest, stamps)
        known = self._payloads.get(key)
        if known is None:
            text = unstamped.stamped(stamps)
            _refuse_secret(text)
            known = Payload(
                text=text,
                hash=payload_hash(text),
                digest=sha256(text.encode()).hexdigest(),
                pretty=pretty(text),
            )
        _remember(self._payloads, key, known)
        return known


def pretty(payload: str) -> bytes:
    """A payload indented by four spaces a level, ending in a line feed.

    Raises:
        InternalError: The payload is not well-formed, is no record update from its first to its
            last character, or has white space between elements.
    """
    if not (payload.startswith(_OPENING) and payload.endswith(_CLOSING)):
        raise InternalError(
            Fault(
                "payload-not-a-record-update",
                "A rendered payload does not begin and end as a <record_update> does.",
                next="if you override templates, look there first; otherwise report this",
            )
        )
    try:
        root = etree.fromstring(payload.encode(), xml_parser(strip_cdata=False))
    except etree.XMLSyntaxError as error:
        raise InternalError(
            Fault(
                "payload-not-well-formed",
                f"A rendered payload is not well-formed XML ({error.msg}).",
                next="if you override templates, look there first; otherwise report this",
            )
        ) from None
    for element in root.iter():
        if len(element) and (element.text or any(child.tail for child in element)):
            raise InternalError(
                Fault(
                    "payload-not-one-line",
                    f"A rendered payload has text between the elements of <{element.tag!s}>.",
                    next="if you override templates, look there first; otherwise report this",
                )
            )
    etree.indent(root, space="    ")
    body = etree.tostring(root, encoding="unicode")
    return f"{DECLARATION}{body}\n".encode()


def _refuse_secret(text: str) -> None:
    """The last guard: whatever way a secret came in, it does not go out."""
    kind = embedded_secret(text)
    if kind is not None:
        raise InternalError(
            Fault(
                "secret-in-output",
                f"A rendered payload would hold something that looks like an {kind.value}; "
                "nothing was written.",
                next="look for it in the environment file and in templates of your own",
            )
        )


def _remember(cache: OrderedDict[K, V], key: K, value: V) -> None:
    cache[key] = value
    cache.move_to_end(key)
    if len(cache) > _CACHED:
        cache.popitem(last=False)
