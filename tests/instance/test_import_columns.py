"""No package of ours holds a field that a preview would not find, in any release and layout."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from importing import place

from generator.config.environment import Environment, Layout, Release
from generator.errors import ExitCode

Make = Callable[..., Environment]


@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize("release", list(Release))
def test_a_preview_finds_every_field(environment: Make, release: Release, layout: Layout) -> None:
    where = place(environment(release=release, layout=layout))
    came = where.call(preview_only=True)
    assert (came.code, came.codes) == (ExitCode.OK, [])
