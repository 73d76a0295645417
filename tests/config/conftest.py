"""Fixtures of the configuration's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from config_root import Root


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """A root with one environment that loads."""
    return Root(tmp_path / "update_sets")
