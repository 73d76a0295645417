"""Where a reader puts what it found; checks every value on the way in.

A value that is always wrong becomes a `Fault`, one that the user should know about a `Notice`;
neither shows a value that could be a secret.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from generator.azure import endpoints, secret_door
from generator.azure.interface import (
    AmbiguousId,
    Credential,
    CredentialKind,
    Fact,
    Identifier,
    IdKind,
    Reader,
    RedirectUri,
)
from generator.azure.model import Notice, Severity, Sourced
from generator.azure.nodes import Node, Record
from generator.azure.values import (
    guid,
    is_masked,
    is_microsoft_app,
    parse_date,
    shown,
    split_id_path,
)
from generator.azure.wrappers import unwrap
from generator.characters import illegal_character
from generator.errors import Fault
from generator.secrets.shapes import embedded_secret

_NO_APPLICATION = "00000000-0000-0000-0000-000000000000"
_HINT_LENGTH = 3


@dataclass(frozen=True, slots=True)
class Part:
    """A place inside an object that is read on its own."""

    node: Node
    reader: Reader | None = None
    """Who reads it; None if its keys decide."""

    choice: str | None = None
    """Set where it is one of several (see `Finding.choice`)."""


class Facts:
    """What one object says, while it is being read."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.found: list[Fact] = []
        self.parts: list[Part] = []

    def add(self, *facts: Fact) -> None:
        """Add facts that need no check."""
        self.found.extend(facts)

    def part(self, node: Node, *, reader: Reader | None = None, choice: str | None = None) -> None:
        """Ask for a place inside the object to be read on its own."""
        self.parts.append(Part(node, reader, choice))

    def fault(self, code: str, message: str, node: Node, *, next: str | None = None) -> None:
        """Add something that is always wrong."""
        self.add(Fault(code, message, file=node.file, path=node.path or None, next=next))

    def notice(
        self,
        code: str,
        severity: Severity,
        message: str,
        node: Node,
        *,
        next: str | None = None,
        concerns: str | None = None,
    ) -> None:
        """Add something that the user should know."""
        self.add(Notice(code, severity, message, node.file, node.path or None, next, concerns))

    def text(self, node: Node) -> str | None:
        """The text at a place; None if nothing stands there, a fault if something else does."""
        if node.clash:
            self.fault(
                "key-clash",
                "two keys of this object differ only in their spelling",
                node,
                next="remove one of them",
            )
            return None
        if node.value is None or isinstance(node.value, str):
            return node.value
        self.fault("wrong-type", f"is {node.kind}; a text is wanted", node)
        return None

    def guid(self, node: Node, *, what: str) -> Sourced[str] | None:
        """The GUID at a place, in lower case, `/applications/` and the like stripped."""
        text = self.text(node)
        if text is None:
            return None
        if is_masked(text):
            self.notice("value-masked", Severity.NOTE, f"the {what} is masked here, not told", node)
            return None
        bare = split_id_path(text)[1]
        value = guid(bare)
        if value is None or value == _NO_APPLICATION:
            spaced = " (there is white space around it)" if guid(bare.strip()) else ""
            self.fault(
                "not-a-guid",
                f"the {what} is {shown(text)}{spaced}, not a GUID such as "
                "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f",
                node,
                next="copy it again from the Entra admin center or the producing tool",
            )
            return None
        return Sourced(value, node.file, node.path)

    def identifier(self, kind: IdKind, node: Node) -> None:
        """Add the GUID at a place; a path in it must tell the same kind."""
        found = self.guid(node, what=kind.value)
        if found is None:
            return
        told = split_id_path(node.value)[0] if isinstance(node.value, str) else None
        if told is not None and told is not kind:
            self.fault(
                "id-of-another-kind",
                f"should be the {kind}, but its path says that it is the {told}",
                node,
                next="export the attribute itself (client_id, object_id) instead of id",
            )
        elif kind is IdKind.CLIENT and is_microsoft_app(found.value):
            self.fault(
                "client-id-is-microsoft",
                f"the client ID {found.value} is one of Microsoft's own applications",
                node,
                next="give the client ID of your app registration",
            )
        else:
            self.add(Identifier(kind, found))

    def unclear_id(self, node: Node, *candidates: IdKind) -> None:
        """Add a GUID whose key does not tell its kind; a path in it may."""
        told = split_id_path(node.value)[0] if isinstance(node.value, str) else None
        if told is not None:
            self.identifier(told, node)
            return
        found = self.guid(node, what="ID")
        if found is not None:
            self.add(AmbiguousId(found, candidates))

    def date(self, node: Node) -> Sourced[datetime] | None:
        """The moment at a place, aware, UTC."""
        node = unwrap(node).node
        text = self.text(node)
        if text is None or is_masked(text):
            return None
        moment = parse_date(text)
        if isinstance(moment, str):
            self.fault(
                "date-unreadable",
                f"{moment}; accepted are ISO 8601 with Z or an offset, and /Date(milliseconds)/",
                node,
            )
            return None
        return Sourced(moment, node.file, node.path)

    def credential(
        self,
        node: Node,
        *,
        secret: Node | None = None,
        key_id: Node | None = None,
        hint: Node | None = None,
        starts: Node | None = None,
        ends: Node | None = None,
        kind: CredentialKind = CredentialKind.SECRET,
        singled_out: bool = False,
    ) -> None:
        """Add a credential from the places of its properties; a secret is tested and dropped."""
        opening = None
        if secret is not None:
            opening, told = secret_door.examine(secret)
            self.add(*told)
        self.add(
            Credential(
                kind,
                node.file,
                node.path,
                key_id=self.guid(key_id, what="Secret ID (key ID)") if key_id else None,
                hint=self._hint(hint) if hint else None,
                starts=self.date(starts) if starts else None,
                ends=self.date(ends) if ends else None,
                opening=opening,
                singled_out=singled_out or opening is not None,
            )
        )

    def _hint(self, node: Node) -> Sourced[str] | None:
        text = self.text(node)
        if not text or is_masked(text):
            return None
        if len(text) != _HINT_LENGTH or not text.isprintable():
            self.fault(
                "hint-form", f"the hint is {node.kind}; it has exactly three characters", node
            )
            return None
        return Sourced(text, node.file, node.path)

    def redirect_uris(self, node: Node) -> None:
        """Add the redirect URI or the array of them at a place."""
        places = node.elements() if isinstance(node.value, list) else (node,)
        for place in (unwrap(one).node for one in places):
            text = self.text(place)
            if not text:
                continue
            if ":" not in text or " " in text or illegal_character(text) or embedded_secret(text):
                self.notice(
                    "redirect-uri-unreadable",
                    Severity.NOTE,
                    "a redirect URI is no address, so it was not compared",
                    place,
                )
            else:
                self.add(RedirectUri(Sourced(text, place.file, place.path)))

    def token_endpoint(self, node: Node) -> None:
        """Add a token endpoint, and the cloud and tenant that it tells."""
        text = self.text(node)
        if text is not None:
            self.add(*endpoints.token_endpoint(text, node))

    def login(self, node: Node) -> None:
        """Add a login endpoint, and the cloud and tenant that it tells."""
        text = self.text(node)
        if text is not None:
            self.add(*endpoints.login(text, node))

    def environment(self, node: Node) -> None:
        """Add the cloud that an environment name tells (`AzureCloud`)."""
        text = self.text(node)
        if text is not None:
            self.add(*endpoints.environment(text, node))

    def objects(self, node: Node) -> Iterator[Record]:
        """The objects of an array (or the one object) at a place.

        A text in place of an object is what `ConvertTo-Json` makes of anything below its
        default depth of 2: reported, because what it held is lost.
        """
        if node.clash:
            self.text(node)
        places = node.elements() if isinstance(node.value, list) else (node,)
        for place in places:
            record = place.record()
            if record is not None:
                yield record
            elif place.value not in (None, ""):
                self.truncated(place)
                return

    def truncated(self, node: Node) -> None:
        """Say that PowerShell wrote a text where an object belongs."""
        self.notice(
            "depth-truncated",
            Severity.WARNING,
            f"here stands {node.kind} instead of an object: ConvertTo-Json cut what was nested",
            node,
            next="export again with: ConvertTo-Json -Depth 10",
        )
