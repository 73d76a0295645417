"""Which path is answered by which handler (`spec/instance-http.md` B1)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import TypeAlias

from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Response

Handler: TypeAlias = Callable[..., Response]
"""`handler(context, **parts of the path) -> Response`."""

Route: TypeAlias = tuple[str, tuple[str, ...], Handler]
"""Path rule, methods, handler; a feature module lists its own in `ROUTES`."""

FEATURES = (
    "login",
    "oauth",
    "table_api",
    "stats_api",
    "attachment_api",
    "batch_api",
    "change_api",
    "control",
    "upload",
    "xmlhttp",
    "cicd",
    "fluent",
    "concourse",
    "scripts_page",
    "scan",
    "app_rest",
)
"""Modules with `ROUTES`."""


@cache
def collect() -> tuple[Route, ...]:
    """The routes of all features."""
    modules = [import_module(f"generator.sandbox.{name}") for name in FEATURES]
    return tuple(route for module in modules for route in module.ROUTES)


@cache
def path_map() -> Map:
    """The map of paths; the endpoint of a rule is its handler. All sandboxes share it."""
    return Map(
        [
            Rule(path, methods=list(methods), endpoint=handler)
            for path, methods, handler in collect()
        ],
        strict_slashes=False,
        merge_slashes=False,
        redirect_defaults=False,
    )


def now_paths(path: str) -> tuple[str, ...]:
    """The three spellings of a `/api/now` path: without version, `/v1`, `/v2` [DOC]."""
    return tuple(f"/api/now{version}{path}" for version in ("", "/v1", "/v2"))
