"""What the fixtures hand over."""

from __future__ import annotations

from collections.abc import Callable

from matrix import Undisturbed

from generator.config.environment import Environment
from generator.instance.package_files import Package

Rendered = Callable[[str], tuple[Environment, Package, Undisturbed]]
"""Layout to the rendered example, its package, and what an undisturbed import comes to."""
