"""Asks what only a real instance can say, and reports it; no answer is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from contract_client import Rest, Target, Ui
from contract_report import ANSWER, NOT_ASKED, PROBE, RELEASE, collect, markdown
from contract_scratch import Scratch
from probe import Asker, Probe, form_of
from probes import PROBES


@pytest.fixture
def asker(
    probe: Probe,
    request: pytest.FixtureRequest,
    target: Target,
    rest: Rest,
    reader: Rest | None,
    new_ui: Callable[[], Ui],
    actions: tuple[str, ...],
) -> Asker:
    """Whom a probe asks, with what it may use."""
    for name in probe.needs:
        request.getfixturevalue(name)
    made: Scratch | None = None
    session: Ui | None = None
    try:
        if probe.writes or probe.writes_some:
            made = request.getfixturevalue("scratch")
            session = request.getfixturevalue("ui")
    except pytest.skip.Exception:
        if probe.writes:
            raise
    return Asker(target, rest, reader, new_ui, actions, made, session)


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.key)
def test_probe(probe: Probe, asker: Asker, noted: Callable[[str], None]) -> None:
    """Part C: fails only if the question could not be asked."""
    lines = probe.ask(asker)
    assert lines
    noted("\n".join(lines))


def test_every_open_question_has_a_probe() -> None:
    """Part C has 21 questions."""
    assert [probe.key for probe in PROBES] == [f"C{number}" for number in range(1, 22)]


def test_what_changes_something_is_marked() -> None:
    """What sends a set or a secret needs `--write`."""
    reads = {probe.key for probe in PROBES if not (probe.writes or probe.writes_some)}
    assert reads == {"C2", "C14", "C15", "C19"}


# The report


def _report(key: str, **properties: str) -> SimpleNamespace:
    given = [(PROBE, key), *((name.replace("_", "-"), text) for name, text in properties.items())]
    return SimpleNamespace(user_properties=given, longrepr=("file", 1, "Skipped: needs --write"))


def test_answers_are_collected_in_the_order_of_the_spec() -> None:
    passed = [
        _report("C10", **{ANSWER: "late", RELEASE: "glide-x"}),
        _report("C2", **{ANSWER: "one\ntwo", RELEASE: "glide-x"}),
        SimpleNamespace(user_properties=[]),
    ]
    stats = {"": passed, "skipped": [_report("C1")], "failed": [_report("C3")]}
    found = {entry.key: entry.lines for entry in collect(stats)}
    assert found == {
        "C1": (f"{NOT_ASKED}: needs --write",),
        "C2": ("one", "two"),
        "C3": (f"{NOT_ASKED}: the probe failed",),
        "C10": ("late",),
    }
    assert list(found) == ["C1", "C2", "C3", "C10"]


def test_the_report_is_a_table_with_release_and_date() -> None:
    stats = {"passed": [_report("C2", **{ANSWER: "a|b\n<c>", RELEASE: "glide-x"})]}
    page = markdown(
        collect(stats),
        instance="https://dev1.example/?x=1",
        now=datetime(2026, 11, 23, tzinfo=UTC),
    )
    assert "Asked: dev1.example, release `glide-x`, 2026-11-23." in page
    assert "| a\\|b<br>&lt;c> |" in page
    assert "x=1" not in page


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("", "empty"),
        ("planted", "PLAINTEXT"),
        ("****", "4 asterisks"),
        ("\ufdde" + "x", "KMF-shaped ciphertext of 2 characters"),
        ("other", "something else of 5 characters"),
    ],
)
def test_a_secret_column_is_told_by_its_form(value: str, form: str) -> None:
    assert form_of(value, planted="planted") == form
