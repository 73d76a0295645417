"""Outputs that people named themselves: Terraform, Pulumi, ARM, Bicep, or a file of their own.

`{name: value}` with or without wrappers around the values; camelCase, PascalCase and
snake_case. A value may be a whole object (an output that exports a resource) or a map of
secrets. Names inside an object are read with the object's name in front of them first, so
`service_principal: {object_id}` is told from `application: {object_id}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from generator.azure import secret_door
from generator.azure.facts import Facts
from generator.azure.nodes import Node, Record
from generator.azure.readers import vocabulary as names
from generator.azure.values import guid
from generator.azure.wrappers import Unwrapped, unwrap
from generator.secrets.shapes import embedded_secret, names_a_secret

Specific = Callable[[Node], bool]
"""Whether a place (an object, or an array of them) has a shape of its own."""


@dataclass(frozen=True, slots=True)
class FlatOutputs:
    """Outputs by name."""

    specific: Specific
    """Asked first about every object inside."""

    shape: str = "outputs by name (terraform output -json, pulumi stack output, ARM, Bicep)"
    hallmarks: tuple[str, ...] = ()

    def names_outputs(self, record: Record) -> bool:
        """Whether one of the object's own keys is a name that only such outputs have."""
        return any(key in names.RECOGNISED_BY for key in record.fields)

    def recognises(self, record: Record) -> bool:
        """By at least one name that only such outputs have, at any depth."""
        return self._recognises(record, prefix="")

    def _recognises(self, record: Record, *, prefix: str) -> bool:
        for key, place in record.fields.items():
            if _name(key, prefix=prefix, of=names.RECOGNISED_BY) is not None:
                return True
            if self._understands(place, prefix=f"{key}_"):
                return True
        return False

    def _understands(self, place: Node, *, prefix: str = "") -> bool:
        """Whether anything at a place or below is understood, by shape or by name."""
        node = unwrap(place).node
        if self.specific(node):
            return True
        record = node.record()
        if record is not None:
            return self._recognises(record, prefix=prefix)
        return any(self._understands(element) for element in node.elements())

    def read(self, record: Record, facts: Facts) -> None:
        """Every known name; what is unknown and no secret is passed over."""
        self._group(record, facts, prefix="")

    def _group(self, record: Record, facts: Facts, *, prefix: str) -> None:
        slots = _Slots()
        for key, place in record.fields.items():
            if place.clash:
                facts.text(place)
            else:
                self._output(key, unwrap(place), facts, slots=slots, prefix=prefix)
        slots.add_to(facts, record.node)

    def _output(
        self, key: str, output: Unwrapped, facts: Facts, *, slots: _Slots, prefix: str
    ) -> None:
        node = output.node
        if self.specific(node):
            facts.part(node, choice=_choice(node) if len(node.elements()) > 1 else None)
        elif _name(key, prefix=prefix, of=names.REDIRECT_URIS):
            facts.redirect_uris(node)
        elif (
            isinstance(node.value, (dict, list))
            and _name(key, prefix=prefix, of=names.IDENTIFIERS.keys())
            and not self._understands(node)
        ):
            facts.text(node)  # Several of what there is only one of: a fault, not silence.
        elif isinstance(node.value, (dict, list)):
            group = _name(key, prefix=prefix, of=names.SECRET_GROUPS | names.SECRETS) is not None
            self._inside(key, node, facts, group=group, prefix=prefix)
        else:
            _scalar(key, output, facts, slots=slots, prefix=prefix)

    def _inside(self, key: str, node: Node, facts: Facts, *, group: bool, prefix: str) -> None:
        """An object or array of no shape of its own; `group`: it holds secrets."""
        record = node.record()
        one_secret = record is not None and any(
            name in record.fields for name in ("value", "secret_text", "key_id", "end_date")
        )
        if group and not one_secret:
            for place in record.fields.values() if record else node.elements():
                self._secret_slot(unwrap(place), facts)
        elif record is not None:
            self._group(record, facts, prefix="client_secret_" if group else f"{key}_")
        else:
            entries = [place for place in node.elements() if self._understands(place)]
            for place in entries:
                facts.part(place, choice=_choice(node) if len(entries) > 1 else None)

    def _secret_slot(self, output: Unwrapped, facts: Facts) -> None:
        record = output.node.record()
        if self.specific(output.node):
            facts.part(output.node)
        elif record is not None:
            self._group(record, facts, prefix="client_secret_")
        elif output.withheld:
            facts.add(secret_door.withheld(output.node))
        else:
            facts.credential(output.node, secret=output.node)


class _Slots:
    """The places that together make one credential."""

    def __init__(self) -> None:
        self.secret: Node | None = None
        self.key_id: Node | None = None
        self.hint: Node | None = None
        self.starts: Node | None = None
        self.ends: Node | None = None

    def add_to(self, facts: Facts, node: Node) -> None:
        """Add the credential, if any of its places was filled."""
        filled = (self.secret, self.key_id, self.hint, self.starts, self.ends)
        if any(place is not None for place in filled):
            facts.credential(
                node,
                secret=self.secret,
                key_id=self.key_id,
                hint=self.hint,
                starts=self.starts,
                ends=self.ends,
                singled_out=True,
            )


def _choice(node: Node) -> str:
    return f"{node.file}\0{node.path}"


def _spellings(key: str, prefix: str) -> Iterator[str]:
    if prefix:
        yield f"{prefix}{key}"
    yield key


def _name(key: str, *, prefix: str, of: AbstractSet[str]) -> str | None:
    """The spelling of a key that is one of the known names, the one with its prefix first."""
    return next((name for name in _spellings(key, prefix) if name in of), None)


def _scalar(key: str, output: Unwrapped, facts: Facts, *, slots: _Slots, prefix: str) -> None:
    node = output.node
    for name in _spellings(key, prefix):
        if name in names.SECRETS:
            if output.withheld:
                facts.add(secret_door.withheld(node))
            else:
                slots.secret = node
        elif name in names.IDENTIFIERS:
            facts.identifier(names.IDENTIFIERS[name], node)
        elif name in names.AMBIGUOUS:
            facts.unclear_id(node, *names.AMBIGUOUS[name])
        elif not _other(name, node, facts, slots=slots):
            continue
        return
    _unknown(key, output, facts)


def _other(name: str, node: Node, facts: Facts, *, slots: _Slots) -> bool:
    """Handle a name that is no id and no secret; false if it is unknown."""
    if name in names.KEY_IDS:
        # A vault calls addresses so too (azurerm: secret_id); those are no key ids.
        if not str(node.value).lower().startswith("http"):
            slots.key_id = node
    elif name in names.HINTS:
        slots.hint = node
    elif name in names.STARTS:
        slots.starts = node
    elif name in names.ENDS:
        slots.ends = node
    elif name in names.TOKEN_ENDPOINTS:
        facts.token_endpoint(node)
    elif name in names.LOGINS:
        facts.login(node)
    elif name in names.ENVIRONMENTS:
        facts.environment(node)
    else:
        return False
    return True


def _unknown(key: str, output: Unwrapped, facts: Facts) -> None:
    """Pass over a value of an unknown name, with a warning if it is or could be a secret."""
    node = output.node
    if output.withheld:
        facts.add(secret_door.withheld(node))
    elif isinstance(node.value, str) and len(node.value) > 1 and guid(node.value) is None:
        told = output.sensitive or names_a_secret(key) or embedded_secret(node.value) is not None
        if told:
            _, notices = secret_door.examine(node)
            facts.add(*notices)
