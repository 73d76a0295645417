"""The one Jinja environment: sandboxed, strict, escaping, with a loader that keeps its root.

Templates hold layout, Python holds decisions (`docs/decisions.md`): a template gets a record
and prints its fields in the platform's order. Those under `records/` are written one field a
line for the reader; line feeds and indentation of the template's own text are dropped when it is
compiled, because a payload is one line. Values are never touched by that, nor are line numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from traceback import walk_tb

from jinja2 import (
    BaseLoader,
    Environment,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    compiler,
)
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.lexer import TOKEN_DATA, Token, TokenStream
from jinja2.runtime import BlockReference, Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from generator.errors import ConfigError, Fault, GeneratorError, InternalError
from generator.update_set import serialize
from generator.update_set.compiled import compiled_cache
from generator.update_set.records import Value

_NAME = re.compile(r"[a-z0-9_]+(?:/[A-Za-z0-9_.]+)+")
_LAYOUT = re.compile(r"\n[ \t]*")
_RECORDS = "records/"
MAX_TEMPLATE_BYTES = 1 << 20


def builtin_root() -> Path:
    """The templates that come with the project: in the wheel, or beside the package."""
    package = Path(__file__).resolve().parent.parent
    shipped = package / "_templates"
    return shipped if shipped.is_dir() else package.parent / "templates"


class RootedLoader(BaseLoader):
    """Looks in the user's directory first, then in the project's; leaves neither.

    A name with `..` or an absolute one is not found. A file that is or passes through a symbolic
    link is refused, not passed over: its owner believes that it is used.
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
        if path.resolve() != path or not path.is_file():
            raise TemplateError("it is no plain file, or is reached through a symbolic link")
        if path.stat().st_size > MAX_TEMPLATE_BYTES:
            raise TemplateError(f"it has more than {MAX_TEMPLATE_BYTES >> 20} MiB")
        return path.read_bytes().decode("utf-8-sig"), template, lambda: True

    def find(self, template: str) -> Path | None:
        """Where a template lies, plain file or not; None if nowhere."""
        if not _NAME.fullmatch(template) or ".." in template:
            return None
        for root in self.roots:
            path = root / template
            if path.is_symlink() or path.exists():
                return path
        return None


class _OneLine(Extension):
    """Drops line feeds and indentation between the fields of a record template."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        for token in stream:
            if token.type == TOKEN_DATA:
                token = Token(token.lineno, token.type, _LAYOUT.sub("", token.value))
            yield token


class _Sandbox(ImmutableSandboxedEnvironment):
    """Templates print: they call their own macros and methods of plain values, nothing else.

    What they are given has methods that read and write files (`Path`); Jinja's own sandbox would
    allow these.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._safe_attributes: dict[tuple[type, str], bool] = {}

    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        # Jinja's answer depends on the type alone, and a summary asks a hundred times.
        key = (type(obj), attr)
        known = self._safe_attributes.get(key)
        if known is None:
            known = self._safe_attributes[key] = super().is_safe_attribute(obj, attr, value)
        return known

    def is_safe_callable(self, obj: object) -> bool:
        owner = getattr(obj, "__self__", None)
        return isinstance(obj, Macro | LoopContext | BlockReference) or (
            isinstance(owner, str | tuple | list | Mapping) and super().is_safe_callable(obj)
        )

    def call(__self, __context: Context, __obj: object, *args: object, **kwargs: object) -> object:
        if not __self.is_safe_callable(__obj):
            # Jinja's message would show the object, which may name a path of this machine.
            raise SecurityError("it calls something that is no macro of a template")
        return super().call(__context, __obj, *args, **kwargs)


def _print_field(fields: Mapping[str, Value], name: str) -> Markup:
    try:
        value = fields[name]
    except KeyError:
        raise TemplateError(f"the record has no field {name}") from None
    return serialize.field(name, value)


def _print_fields(fields: Mapping[str, Value], names: str) -> Markup:
    """Many fields at once, by their names in the platform's order, separated by white space."""
    try:
        return serialize.fields(fields, names.split())
    except KeyError as error:
        raise TemplateError(f"the record has no field {error.args[0]}") from None


class Templates:
    """Renders templates by name; errors name the template."""

    def __init__(self, override: Path | None = None) -> None:
        """Args: override: A directory of the user's whose templates win over the project's."""
        if override is not None:
            _require_directory(override)
        roots = (builtin_root(),) if override is None else (override, builtin_root())
        self.loader = RootedLoader(*roots)
        self._environment = _Sandbox(
            loader=self.loader,
            undefined=StrictUndefined,
            autoescape=True,
            keep_trailing_newline=True,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            # Constants pass their filters when a template is compiled, by Jinja's compiler.
            bytecode_cache=compiled_cache(
                *(Path(source) for source in (__file__, serialize.__file__, compiler.__file__))
            ),
        )
        self._environment.filters = {
            "field": _print_field,
            "fields": _print_fields,
            "elements": serialize.elements,
            "text": serialize.text,
            "attribute": serialize.attribute,
            "markdown": serialize.markdown,
            "join": self._environment.filters["join"],
            "lower": self._environment.filters["lower"],
        }
        # None of Jinja's functions: lipsum and cycler have no place in what must come out equal.
        self._environment.globals = {}
        self._records = self._environment.overlay(
            trim_blocks=False, lstrip_blocks=False, extensions=[_OneLine]
        )

    def render(self, name: str, context: Mapping[str, object]) -> str:
        """Render a template whole.

        Raises:
            ConfigError: A template of the user's is faulty, or asks for what it was not given.
            InternalError: One of the project's is.
        """
        template = self.get(name)
        try:
            return template.render(context)
        except Exception as error:
            raise self.fault(name, error) from None

    def encode(self, name: str, context: Mapping[str, object]) -> bytes:
        """Render a template as UTF-8, piece by piece.

        One character beyond Latin-1 makes a whole text of Python's wide, and all work on it slow;
        few pieces have one.

        Raises:
            ConfigError: A template of the user's is faulty, or asks for what it was not given.
            InternalError: One of the project's is.
        """
        template = self.get(name)
        try:
            return b"".join([piece.encode() for piece in template.generate(context)])
        except Exception as error:
            raise self.fault(name, error) from None

    def get(self, name: str) -> Template:
        """The compiled template (compiled once)."""
        environment = self._records if name.startswith(_RECORDS) else self._environment
        try:
            return environment.get_template(name)
        except Exception as error:
            raise self.fault(name, error) from None

    def is_overridden(self, name: str) -> bool:
        """Whether the user's directory has a template of that name."""
        if len(self.loader.roots) == 1:
            return False
        path = self.loader.find(name)
        return path is not None and not path.is_relative_to(self.loader.roots[-1])

    def fault(self, name: str, error: Exception) -> GeneratorError:
        """What to tell the user about a template that failed."""
        if isinstance(error, GeneratorError):
            # Not the template's: what it prints is read while it prints.
            return error
        place, line = _place(name, error)
        path = None
        with suppress(OSError):
            path = self.loader.find(place)
        is_own = path is not None and path.is_relative_to(self.loader.roots[-1])
        fault = Fault(
            "template-failed",
            f"The template {place} {_reason(place, error)}.",
            file=None if path is None else str(path),
            line=line,
            next="report this: the template comes with sn-smtp"
            if is_own
            else "correct your template, or remove it so that the built-in one is used",
        )
        return InternalError(fault) if is_own else ConfigError(fault)


def _require_directory(path: Path) -> None:
    try:
        problem = None if path.is_dir() else "does not exist"
    except OSError as error:
        problem = f"cannot be read: {error.strerror or 'unknown reason'}"
    if problem is not None:
        raise ConfigError(
            Fault(
                "templates-missing",
                f"The template directory {problem}.",
                file=str(path),
                next="name an existing directory with --templates, or leave the option out",
            )
        )


def _place(name: str, error: Exception) -> tuple[str, int | None]:
    """The template that an error comes from, and the line in it."""
    if isinstance(error, TemplateSyntaxError):
        return error.name or name, error.lineno
    place: tuple[str, int | None] = (name, None)
    # Jinja puts frames named like its templates into the traceback.
    for frame, line in walk_tb(error.__traceback__):
        if _NAME.fullmatch(frame.f_code.co_filename):
            place = (frame.f_code.co_filename, line)
    return place


def _reason(place: str, error: Exception) -> str:
    if isinstance(error, TemplateNotFound):
        return "is not there" if error.name == place else f"asks for {error.name}, which is not"
    if isinstance(error, TemplateError | UnicodeDecodeError):
        return f"failed: {error.message if isinstance(error, TemplateError) else error}"
    if isinstance(error, OSError) and error.strerror:
        return f"failed: {error.strerror}"
    # Any other message may hold values.
    return f"failed: {type(error).__name__}"
