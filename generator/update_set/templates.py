"""The one Jinja environment: sandboxed, strict, escaping, with a loader that keeps its root.

Templates hold layout, Python holds decisions (`docs/decisions.md`): a template gets a record
and prints its fields in the platform's order. Those under `records/` are written one field a
line for the reader; line feeds and indentation of the template's own text are dropped when it is
loaded, because a payload is one line. Values are never touched by that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from jinja2 import (
    BaseLoader,
    Environment,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateNotFound,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from generator.errors import ConfigError, Fault
from generator.update_set import serialize
from generator.update_set.records import Value

_NAME = re.compile(r"[a-z0-9_]+(?:/[A-Za-z0-9_.]+)+")
_LAYOUT = re.compile(r"\n[ \t]*")
MAX_TEMPLATE_BYTES = 1 << 20


def builtin_root() -> Path:
    """The templates that come with the project: in the wheel, or beside the package."""
    package = Path(__file__).resolve().parent.parent
    shipped = package / "_templates"
    return shipped if shipped.is_dir() else package.parent / "templates"


class RootedLoader(BaseLoader):
    """Looks in the user's directory first, then in the project's; leaves neither.

    A name with `..`, an absolute one, or a file that is or passes through a symbolic link is not
    found.
    """

    def __init__(self, *roots: Path) -> None:
        """Args: roots: Directories in the order in which they are asked."""
        self.roots = tuple(root.resolve() for root in roots)

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        """The text of a template (called by Jinja)."""
        path = self.find(template)
        if path is None:
            raise TemplateNotFound(template)
        source = path.read_bytes().decode("utf-8").replace("\r\n", "\n")
        if template.startswith("records/"):
            source = _LAYOUT.sub("", source)
        return source, template, lambda: True

    def find(self, template: str) -> Path | None:
        """Where a template lies, or None."""
        if not _NAME.fullmatch(template) or ".." in template:
            return None
        for root in self.roots:
            path = root / template
            if (
                path.is_file()
                and path.resolve() == path
                and path.stat().st_size <= MAX_TEMPLATE_BYTES
            ):
                return path
        return None


def _print_field(fields: Mapping[str, Value], name: str) -> Markup:
    try:
        value = fields[name]
    except KeyError:
        raise TemplateError(f"the record has no field {name}") from None
    return serialize.field(name, value)


class Templates:
    """Renders templates by name; errors name the template."""

    def __init__(self, override: Path | None = None) -> None:
        """Args: override: A directory of the user's whose templates win over the project's."""
        if override is not None and not override.is_dir():
            raise ConfigError(
                Fault(
                    "templates-missing",
                    f"The template directory {override} does not exist.",
                    next="name an existing directory with --templates, or leave the option out",
                )
            )
        roots = (builtin_root(),) if override is None else (override, builtin_root())
        self.loader = RootedLoader(*roots)
        self._environment = ImmutableSandboxedEnvironment(
            loader=self.loader,
            undefined=StrictUndefined,
            autoescape=True,
            keep_trailing_newline=True,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters = {
            "field": _print_field,
            "elements": serialize.elements,
            "text": serialize.text,
            "attribute": serialize.attribute,
            "markdown": serialize.markdown,
            "join": self._environment.filters["join"],
        }

    def render(self, name: str, context: Mapping[str, object]) -> str:
        """Render a template whole.

        Raises:
            ConfigError: The template is missing, faulty, or asks for what it was not given.
        """
        return "".join(self.generate(name, context))

    def generate(self, name: str, context: Mapping[str, object]) -> list[str]:
        """Render a template in pieces."""
        try:
            return list(self.get(name).generate(context))
        except (TemplateError, UnicodeDecodeError, OSError) as error:
            raise self.fault(name, error) from None

    def get(self, name: str) -> Template:
        """The compiled template (compiled once)."""
        try:
            return self._environment.get_template(name)
        except (TemplateError, UnicodeDecodeError, OSError) as error:
            raise self.fault(name, error) from None

    def fault(self, name: str, error: Exception) -> ConfigError:
        """What to tell the user about a template that failed."""
        line = getattr(error, "lineno", None)
        path = self.loader.find(name)
        reason = "is not there" if isinstance(error, TemplateNotFound) else f"failed: {error}"
        return ConfigError(
            Fault(
                "template-failed",
                f"The template {name} {reason}.",
                file=None if path is None else str(path),
                line=line,
                next="correct your template, or remove it so that the built-in one is used",
            )
        )
