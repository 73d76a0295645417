"""Rendered payloads held against profiles learned from real exports, and against the rules."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from generator.config.environment import Layout, Release
from generator.update_set.reader import read_unload

pytestmark = pytest.mark.conformance

RenderSets = Callable[..., list[Path]]
RunTool = Callable[..., subprocess.CompletedProcess[str]]

ACTION = "sys_hub_action_type_definition"
PROFILES = {"action": "flow_action_profile.json", "app": "app_record_profile.json"}

VARIANTS: dict[str, dict[str, Any]] = {
    **{release.value: {"release": release} for release in Release},
    "separate": {"layout": Layout.SEPARATE},
    "live": {"email_account__live": True},
    "secret without end": {"azure__secret_expires_on": None},
    "markup in names": {"app__name": "Mail & <OAuth> \"quoted\" 'Ünï' ]]>"},
}


@pytest.fixture(params=VARIANTS.values(), ids=VARIANTS.keys())
def sets(request: pytest.FixtureRequest, render_sets: RenderSets) -> list[Path]:
    return render_sets(**request.param)


def tables(files: list[Path]) -> list[str]:
    """Table of each row's payload."""
    rows = (update for path in files for update in read_unload(path).updates)
    return [etree.fromstring(row.payload.encode())[0].tag for row in rows]


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_no_departure_from_real_exports(
    sets: list[Path], shared: Path, tool: RunTool, profile: str
) -> None:
    path = shared / "corpus" / profile
    known = set(json.loads(path.read_text(encoding="utf-8")))
    held = [table in known for table in tables(sets)]
    done = tool("record_shape.py", "check", path, *sets)
    assert done.stdout.splitlines() == [
        f"{sum(held)} payloads checked, {held.count(False)} of unknown tables, 0 departures"
    ]
    assert done.returncode == 0
    assert any(held)


def test_the_action_satisfies_every_rule(sets: list[Path], tool: RunTool) -> None:
    done = tool("record_shape.py", "action", *sets)
    assert done.stdout.splitlines() == [
        "1 actions held against the rules, 1 satisfy them all, 0 departures"
    ]
    assert done.returncode == 0


def test_every_table_with_a_profile_of_its_own_is_held(
    render_sets: RenderSets, shared: Path
) -> None:
    """What is only counted as unknown has a comparison elsewhere, or no real record at all."""
    known = {
        table
        for name in PROFILES.values()
        for table in json.loads((shared / "corpus" / name).read_text(encoding="utf-8"))
    }
    assert set(tables(render_sets())) - known == {
        "oauth_entity",
        "oauth_entity_profile",
        "oauth_entity_profile_scope",
        "oauth_entity_scope",
        "sys_email_account",
        "sysevent_email_action",
        "sysevent_register",
    }


@pytest.mark.parametrize(
    ("check", "damage", "told"),
    [
        ("flow_action_profile.json", ("pre_compiled", "precompiled"), "lacks pre_compiled"),
        ("app_record_profile.json", ("can_delegate", "delegates"), "lacks can_delegate"),
        (None, ("published", "draft"), "expected 'published'"),
    ],
)
def test_the_checkers_notice_damage(
    render_sets: RenderSets,
    shared: Path,
    tool: RunTool,
    check: str | None,
    damage: tuple[str, str],
    told: str,
) -> None:
    (path,) = render_sets()
    path.write_text(path.read_text(encoding="utf-8").replace(*damage), encoding="utf-8")
    how = ("action",) if check is None else ("check", shared / "corpus" / check)
    done = tool("record_shape.py", *how, path)
    assert done.returncode == 1
    assert told in done.stdout
