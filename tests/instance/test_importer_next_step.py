"""The call that is named next can be copied, also where only the directory is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.instance.next_step import call_in


@pytest.mark.parametrize(
    ("directory", "said"),
    [
        (Path("update_sets/dev"), "sn-smtp render dev --again"),
        (Path("elsewhere/dev"), "sn-smtp render dev --root elsewhere --again"),
        (Path("my sets/dev"), "sn-smtp render dev --root 'my sets' --again"),
    ],
)
def test_the_root_stands_in_the_call(directory: Path, said: str) -> None:
    assert call_in(directory, "render", "--again") == said
