"""`payload_hash` held against the reference implementation, on our rows and on real ones."""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol, cast

import pytest
from lxml import etree

from generator.config.environment import Layout, Release
from generator.update_set.payload_hash import payload_hash
from generator.update_set.reader import read_unload

pytestmark = pytest.mark.conformance

RenderSets = Callable[..., list[Path]]
RunTool = Callable[..., subprocess.CompletedProcess[str]]

ROWS_IN_THE_CORPUS = 1000
"""Far fewer than there are; far more than there would be if the corpus were not found."""


class Reference(Protocol):
    """What `payload_hash.py` gives to who imports it."""

    def payload_hash(self, payload: str) -> str: ...

    def rows(self, path: str) -> Iterable[tuple[str, str, str | None]]: ...


@pytest.fixture(scope="module")
def reference(shared: Path) -> Reference:
    spec = importlib.util.spec_from_file_location(
        "reference_payload_hash", shared / "tools" / "payload_hash.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast(Reference, module)


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("release", Release)
def test_every_rendered_row_carries_its_hash(
    render_sets: RenderSets, tool: RunTool, layout: Layout, release: Release
) -> None:
    sets = render_sets(layout=layout, release=release)
    rows = sum(len(read_unload(path).updates) for path in sets)
    done = tool("payload_hash.py", *sets)
    assert f": {rows} matched, 0 mismatched, 0 empty\n" in done.stdout.splitlines(True)[-1]
    assert done.returncode == 0


def test_the_reference_notices_another_content(render_sets: RenderSets, tool: RunTool) -> None:
    (path,) = render_sets()
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("mail can leave", "mail cannot leave"), encoding="utf-8")
    assert tool("payload_hash.py", path).returncode == 1


def test_both_agree_on_every_row_of_the_corpus(shared: Path, reference: Reference) -> None:
    unreadable, compared = [], 0
    for path in sorted(shared.glob("corpus/**/*.xml")):
        try:
            rows = list(reference.rows(str(path)))
        except etree.XMLSyntaxError:
            unreadable.append(path.name)
            continue
        except ValueError:
            # A single record: its whole text is the payload.
            rows = [(path.stem, "", path.read_text(encoding="utf-8"))]
        for name, _, payload in rows:
            if payload is not None:
                compared += 1
                assert payload_hash(payload) == reference.payload_hash(payload), (path, name)
    assert unreadable == ["nested-cdata-not-well-formed.xml"]
    assert compared > ROWS_IN_THE_CORPUS
