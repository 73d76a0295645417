"""The order of an action's parts (`spec/flow-action.md` section 1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from generator.checks.action_layout import DEFINITION, SNAPSHOT, STEP_TYPE
from generator.checks.action_parts import SPARES, Action, Half, Part

_SPECIAL = frozenset({"__action_status__", "__dont_treat_as_error__"})
Key = Callable[[Part], str]


class _Departure(Exception):
    """The parts leave the grammar."""


def _by_sys_id(part: Part) -> str:
    return part.sys_id


def _by_field(part: Part) -> str:
    return part.get("field").upper()


class _Walk:
    """Walks the parts of an action once; the first departure ends it."""

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self._parts = parts
        self.place = 0

    @property
    def here(self) -> Part | None:
        return self._parts[self.place] if self.place < len(self._parts) else None

    def marker(self, tag: str, query: str) -> None:
        """Pass a delete marker with exactly this query."""
        here = self.here
        if here is None or here.tag != tag or here.query != query:
            self._departs(f"the delete marker {tag}?{_cut(query)}")
        self.place += 1

    def record(self, tag: str, action: str = "INSERT_OR_UPDATE") -> Part:
        """Pass one record."""
        here = self.here
        if here is None or here.tag != tag or here.action != action:
            self._departs(f"a record {tag} ({action})")
        self.place += 1
        assert here is not None  # noqa: S101 - _departs does not return
        return here

    def run(
        self, tag: str, *, least: int = 0, key: Key = _by_sys_id, where: tuple[str, str] = ("", "")
    ) -> list[Part]:
        """Pass neighbouring records of one kind, sorted by `key`; `where` is a field's value."""
        found: list[Part] = []
        if tag == "sys_hub_step_ext_output":
            self.skip("sys_complex_object")
        while (here := self.here) is not None and here.tag == tag and here.is_record:
            if where[0] and here.get(where[0]) != where[1]:
                break
            found.append(here)
            self.place += 1
            if tag == "sys_hub_step_ext_output":
                self.skip("sys_complex_object")
        if len(found) < least:
            self._departs(f"at least {least} {tag}")
        if [key(part) for part in found] != sorted(key(part) for part in found):
            raise _Departure(f"a run of {len(found)} {tag} is not sorted")
        return found

    def sparing(self, tag: str, query: str, records: Callable[[], list[Part]]) -> list[Part]:
        """Pass a marker that spares the records after it, and those records."""
        here = self.here
        if here is None or here.tag != tag or here.query.partition(SPARES)[0] != query:
            self._departs(f"the delete marker {tag}?{_cut(query)}")
        assert here is not None  # noqa: S101 - _departs does not return
        self.place += 1
        found = records()
        ids = ",".join(sorted(part.sys_id for part in found))
        if here.query != (f"{query}{SPARES}{ids}" if found else query):
            raise _Departure(
                f"the delete marker {tag}?{_cut(query)} does not spare exactly the {len(found)} "
                "records after it, in ascending order"
            )
        return found

    def optional(self, tag: str, query: str) -> None:
        """Pass a marker and the records it spares, which this project does not write."""
        self.sparing(tag, query, lambda: self.run(tag))

    def wrappers(self, tag: str) -> list[Part]:
        """Pass choice wrappers, sorted by field; their records."""
        found: list[Part] = []
        fields: list[str] = []
        while (here := self.here) is not None and here.tag == tag and here.inner:
            fields.append(here.element.get("field") or "")
            ids = [part.sys_id for part in here.inner]
            if ids != sorted(ids):
                raise _Departure(f"the choices of {fields[-1]} are not sorted")
            found.extend(here.inner)
            self.place += 1
        if fields != sorted(fields):
            raise _Departure("the choice wrappers are not sorted")
        return found

    def skip(self, *tags: str) -> None:
        """Pass optional records that this project does not write."""
        while (here := self.here) is not None and here.tag in tags and here.is_record:
            self.place += 1

    def end(self) -> None:
        """Nothing may follow."""
        if self.here is not None:
            self._departs("the end")

    def _departs(self, expected: str) -> None:
        here = self.here
        found = "the end" if here is None else here.name
        raise _Departure(f"part {self.place + 1} should be {expected}, it is {found}")


def departures(action: Action) -> Iterator[str]:
    """Where the parts leave the grammar; at most one place."""
    walk = _Walk(action.parts)
    try:
        _half(walk, action.definition)
        own = action.definition.own
        walk.sparing(
            "sys_hub_action_plan", f"action_id={own}", lambda: walk.run("sys_hub_action_plan")
        )
        _half(walk, action.snapshot)
        walk.record(DEFINITION, "UPDATE")
        walk.end()
    except _Departure as departure:
        yield f"{departure}."


def _half(walk: _Walk, half: Half) -> None:
    own = half.own
    steps = half.records("sys_hub_step_instance")
    step = steps[0].sys_id if steps else ""
    outputs = {part.get("element") for part in half.records("sys_hub_action_output")}
    walk.record(SNAPSHOT if half.is_snapshot else DEFINITION)
    walk.marker("sys_translated_text", f"documentkey={own}")
    walk.marker("sys_variable_value", f"document_key={own}")
    walk.run("sys_variable_value", least=1)
    if outputs - _SPECIAL:
        walk.marker("sys_element_mapping", f"id={own}")
        walk.run("sys_element_mapping", least=1, key=_by_field)
    else:
        walk.marker("sys_element_mapping", f"table=var__m_sys_hub_action_output_{own}^id={own}")
    walk.sparing(
        "sys_hub_step_instance",
        f"action={own}",
        lambda: [walk.record("sys_hub_step_instance")],
    )
    _step(walk, step, has_outputs=bool(half.records("sys_hub_step_ext_output")))
    _variables(walk, own)
    metadata = walk.sparing(
        "sys_hub_action_status_metadata",
        f"action_type_id={own}",
        lambda: [walk.record("sys_hub_action_status_metadata")],
    )
    walk.sparing(
        "sys_hub_status_condition",
        f"action_status_metadata_id={metadata[0].sys_id}",
        lambda: walk.run("sys_hub_status_condition", key=lambda part: ""),
    )
    of_inputs = f"var__m_sys_hub_action_input_{own}"
    of_outputs = f"var__m_sys_hub_action_output_{own}"
    walk.run("sys_documentation", where=("name", of_inputs))
    walk.sparing("sys_choice", f"name={of_inputs}", lambda: walk.wrappers("sys_choice"))
    walk.run("sys_documentation", where=("name", of_outputs))
    walk.marker("sys_choice", f"name={of_outputs}")


def _step(walk: _Walk, step: str, *, has_outputs: bool) -> None:
    outputs = f"var__m_sys_hub_step_ext_output_{step}"
    walk.marker("sys_variable_value", f"document_key={step}")
    walk.run("sys_variable_value", least=2)
    walk.marker("sys_element_mapping", f"id={step}")
    walk.run("sys_element_mapping", least=1, key=_by_field)
    if has_outputs:
        walk.marker("sys_element_mapping", f"table={outputs}^id={step}")
    walk.marker(
        "sys_element_mapping",
        f"table=var__m_sys_flow_step_definition_input_{STEP_TYPE}^id={step}",
    )
    walk.marker("sys_translated_text", f"documentkey={step}")
    for tag in ("sys_hub_step_ext_input", "sys_hub_step_ext_output"):
        least = int(tag == "sys_hub_step_ext_input")
        walk.sparing(tag, f"model={step}", lambda tag=tag, least=least: walk.run(tag, least=least))  # type: ignore[misc]
    walk.marker("sys_hub_input_scripts", f"instance={step}")
    walk.run("sys_documentation", where=("name", outputs))


def _variables(walk: _Walk, own: str) -> None:
    """The action's inputs and outputs, each followed by its own delete markers."""

    def each(tag: str, *, scripts: bool) -> list[Part]:
        found: list[Part] = []
        walk.skip("sys_complex_object")
        while (here := walk.here) is not None and here.tag == tag and here.is_record:
            found.append(walk.record(tag))
            walk.marker("sys_hub_action_input_action_instance", f"action_input={here.sys_id}")
            if scripts:
                walk.optional("sys_hub_input_scripts", f"instance={here.sys_id}")
            walk.skip("sys_complex_object")
        ids = [part.sys_id for part in found]
        if not ids or ids != sorted(ids):
            raise _Departure(f"there is no run of {tag} in ascending order")
        return found

    walk.sparing(
        "sys_hub_action_input",
        f"model={own}",
        lambda: each("sys_hub_action_input", scripts=False),
    )
    walk.sparing(
        "sys_hub_action_output",
        f"model={own}",
        lambda: each("sys_hub_action_output", scripts=True),
    )
    walk.optional("sys_hub_pill_compound", f"attached_to={own}")


def _cut(query: str) -> str:
    return query if len(query) < 80 else query[:77] + "..."
