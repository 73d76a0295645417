"""What the tests of this room share: the templates, the corpus, the hash tool."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from generator.update_set.templates import Templates


@pytest.fixture(scope="session")
def templates() -> Templates:
    """The project's own templates."""
    return Templates()


@pytest.fixture(scope="session")
def native_exports(shared: Path) -> list[Path]:
    """Every genuine export."""
    corpus = shared / "corpus"
    found = [*corpus.glob("update_sets/*.xml"), *corpus.glob("oauth/update_sets/*.xml")]
    assert len(found) >= 27
    return sorted(found)


@pytest.fixture(scope="session")
def hash_tool(shared: Path) -> ModuleType:
    """The reference implementation of the payload hash."""
    place = importlib.util.spec_from_file_location(
        "reference_payload_hash", shared / "tools" / "payload_hash.py"
    )
    assert place is not None and place.loader is not None
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module
