"""The documentation of the environment file knows every key and name, and its example loads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from config_root import NAMES, NOW

from generator.config.declared import Keys, known_keys
from generator.config.keys import EnvironmentKeys
from generator.config.load import load_environment
from generator.config.tree import dotted
from generator.integration.integration import logical_names


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "docs/environment-file.md").read_text(encoding="utf-8")


def paths() -> list[str]:
    """Every key, those of a section that stands in two places at the first of them."""
    found: list[str] = []
    seen: set[type[Keys]] = set()

    def walk(section: type[Keys], above: tuple[str, ...]) -> None:
        seen.add(section)
        for key, below in known_keys(section).items():
            found.append(dotted((*above, key)))
            if below is not None and below not in seen:
                walk(below, (*above, key))

    walk(EnvironmentKeys, ())
    return found


def test_every_key_is_documented(page: str) -> None:
    documented = re.findall(r"(?m)^\| `([a-z_.]+)` \|", page.partition("## Keys")[2])
    assert sorted(documented) == sorted(paths())


def test_every_logical_name_is_documented(page: str) -> None:
    listed = page.partition("<!-- names: begin -->")[2].partition("<!-- names: end -->")[0]
    assert sorted(re.findall(r"`([^`]+)`", listed)) == sorted(logical_names())


def test_the_example_loads(page: str, tmp_path: Path) -> None:
    blocks = re.findall(r"<!-- example: (\S+) -->\n```yaml\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 2
    for name, text in blocks:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    loaded = load_environment(tmp_path, "dev", variables={}, now=NOW, logical_names=NAMES)
    assert loaded.app.scope == "x_acme_smtp"


def test_links_inside_the_page_lead_somewhere(page: str) -> None:
    anchors = {
        re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"(?m)^#+ (.*)$", page)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= anchors
