"""What the conformance tests share: rendered update set files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from generator.config.environment import Environment
from generator.rendering import PackageRenderer
from generator.update_set.templates import Templates

RenderSets = Callable[..., list[Path]]
RunTool = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def render_sets(environment: Callable[..., Environment], now: datetime) -> RenderSets:
    """Render an environment (keywords as for `environment`); its update set files, global first."""

    def render(**changes: object) -> list[Path]:
        made = environment(**changes)
        rendering = PackageRenderer(Templates(), now=now).render(
            made, previous=None, last_rows=dict
        )
        files = list(dict.fromkeys(entry.file for entry in rendering.manifest.sets))
        for name in files:
            (made.directory / name).write_bytes(rendering.files[name])
        return [made.directory / name for name in files]

    return render


@pytest.fixture
def tool(shared: Path) -> RunTool:
    """Run one of the reference checkers in place."""

    def run(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(shared / "tools" / name), *map(str, arguments)],
            capture_output=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )

    return run
