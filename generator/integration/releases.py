"""What a release changes in a Flow Designer action (`spec/flow-action.md` section 7).

The only place that knows: release number, build string and the form of the plan. Record
layouts are the same from Xanadu to Zurich.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from generator.config.environment import Release


class PlanForm(StrEnum):
    """How an action's plan record points at its compiled chunks."""

    PROXY = "proxy"
    """`PlanProxy` with a persistor: 118 of 118 exports up to Zurich."""

    CHUNKING_DATA = "chunking_data"
    """`ChunkingPlanData`: the two actions of Australia and Brazil that are known."""


@dataclass(frozen=True, slots=True)
class ReleaseForm:
    """The three values of an action that go with a release."""

    authored_on: str
    """`authored_on_release_version`; no instance accepts a flow of a newer release."""

    compiler_build: str
    """A whole build string that real exports of that release carry."""

    plan: PlanForm
    """Form of the plan pointer."""


_FORMS: Mapping[Release, ReleaseForm] = MappingProxyType(
    {
        Release.XANADU: ReleaseForm(
            "26000",
            "glide-xanadu-07-02-2024__patch6-01-29-2025_02-11-2025_1128.zip",
            PlanForm.PROXY,
        ),
        Release.YOKOHAMA: ReleaseForm(
            "27000",
            "glide-yokohama-12-18-2024__patch6-07-17-2025_07-27-2025_1301.zip",
            PlanForm.PROXY,
        ),
        # Zurich has two numbers, 28000 (patch 0) and 28100; the lower one suits every patch.
        Release.ZURICH: ReleaseForm(
            "28000",
            "glide-zurich-07-01-2025__patch0-07-15-2025_07-23-2025_1759.zip",
            PlanForm.PROXY,
        ),
        # Inference: no whole Australia build string is known, so number and build are those of
        # the last Zurich line, which an Australia instance accepts as older. The plan takes
        # Australia's own form; it is only a pointer, and recompiled on the instance.
        Release.AUSTRALIA: ReleaseForm(
            "28100",
            "glide-zurich-07-01-2025__patch1-08-20-2025_09-08-2025_1328.zip",
            PlanForm.CHUNKING_DATA,
        ),
    }
)


def release_form(release: Release) -> ReleaseForm:
    """What an action carries for the lowest release it will travel to."""
    return _FORMS[release]
