"""The example package, rendered once a layout."""

from __future__ import annotations

import pytest
from fault_desk import load_rendered, render_example
from fault_packages import Rendered
from matrix import Undisturbed, undisturbed

from generator.config.environment import Environment
from generator.instance.package_files import Package


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    """The example `dev` in a layout, rendered and imported once in peace."""
    made: dict[str, tuple[Environment, Package, Undisturbed]] = {}

    def get(layout: str) -> tuple[Environment, Package, Undisturbed]:
        if layout not in made:
            environment = render_example(tmp_path_factory.mktemp(layout) / "root", layout)
            package = load_rendered(environment)
            made[layout] = (environment, package, undisturbed(environment, package))
        return made[layout]

    return get
