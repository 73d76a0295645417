"""The house rules that no other tool watches: who may import what, who may end the process."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator import errors

GENERATOR = Path(__file__).resolve().parent.parent / "generator"

MODULES = tuple(sorted(GENERATOR.rglob("*.py")))

MOST_LINES = 400

MAY_IMPORT = {
    "click": ("cli",),
    "rich": ("cli",),
    "pydantic": ("config",),
    "yaml": ("config",),
    # Both rooms are only loaded by the commands that need them.
    "requests": ("instance", "sandbox"),
    "werkzeug": ("sandbox",),
    "aiosmtpd": ("sandbox",),
    "jwt": (),
    "msal": (),
    "trustme": (),
    "keyring": (),
    "azure": (),
    "hvac": (),
    "lxml": ("update_set", "checks", "report", "rendering", "integration", "instance", "sandbox"),
    "jinja2": ("update_set", "report", "azure setup"),
}
"""Distribution to the rooms that may import it when they are loaded."""

KNOWS_NOTHING_OF = {
    "integration": ("cli", "instance", "mail", "checks", "report", "rendering", "packaging"),
    "update_set": (
        *("cli", "config", "azure", "integration", "checks", "report", "instance", "mail"),
        *("rendering", "packaging"),
    ),
    "azure": ("cli", "config", "integration", "update_set", "checks", "rendering", "packaging"),
    "azure setup": ("cli", "integration", "checks", "report", "rendering", "packaging", "mail"),
    "config": ("cli", "integration", "checks", "report", "rendering", "packaging"),
    "checks": ("cli", "config", "rendering", "packaging", "report"),
    "report": ("cli",),
    "secrets": ("cli", "config", "azure", "integration", "update_set", "checks", "report"),
    "instance": ("cli", "sandbox", "mail"),
}
"""Room to the rooms it must not import: data flows one way."""

IN_COMMON = ("generator.mail.interface",)
"""What a link of the mail chain is: the instance's side tells its links in the same words."""


def _name(path: Path) -> str:
    return path.relative_to(GENERATOR).as_posix()


def _room(path: Path) -> str:
    """The room of a module: its directory, or its own name at the top.

    What writes the Azure side's scripts lies beside the readers of its outputs and stands at the
    other end of the flow: it is made from an environment, for which those outputs were read.
    """
    parts = path.relative_to(GENERATOR).parts
    if parts[0] == "azure" and parts[1].startswith("setup"):
        return "azure setup"
    return parts[0].removesuffix(".py")


def _imports(path: Path, *, when_loaded: bool) -> set[str]:
    """Dotted names that a module imports, without those for type checkers only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {name for node in _walk(tree, when_loaded=when_loaded) for name in _imported(node)}


def _walk(tree: ast.AST, *, when_loaded: bool) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if when_loaded and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        yield child
        yield from _walk(child, when_loaded=when_loaded)


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def _is_of(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def test_there_is_a_house() -> None:
    assert len(MODULES) > 50
    assert "cli/main.py" in {_name(path) for path in MODULES}


@pytest.mark.parametrize("package", ["click", "rich"])
def test_only_the_command_line_knows_the_screen(package: str) -> None:
    users = {
        _room(path)
        for path in MODULES
        if any(_is_of(name, package) for name in _imports(path, when_loaded=False))
    }
    assert users == {"cli"}


@pytest.mark.parametrize(("package", "rooms"), MAY_IMPORT.items())
def test_what_is_slow_to_load_is_loaded_where_it_is_needed(
    package: str, rooms: tuple[str, ...]
) -> None:
    users = {
        _room(path)
        for path in MODULES
        if any(_is_of(name, package) for name in _imports(path, when_loaded=True))
    }
    assert users <= set(rooms)


@pytest.mark.parametrize(("room", "others"), KNOWS_NOTHING_OF.items())
def test_data_flows_one_way(room: str, others: tuple[str, ...]) -> None:
    wrong = {
        f"{_name(path)} imports {name}"
        for path in MODULES
        if _room(path) == room
        for name in _imports(path, when_loaded=False)
        if any(_is_of(name, f"generator.{other}") for other in others)
        and not any(_is_of(name, common) for common in IN_COMMON)
    }
    assert wrong == set()


def test_no_reader_knows_the_scripts() -> None:
    users = {
        _room(path)
        for path in MODULES
        if any(
            name.startswith("generator.azure.setup") for name in _imports(path, when_loaded=False)
        )
    }
    assert users == {"azure setup", "cli"}


def test_one_place_ends_the_process() -> None:
    users = {
        _name(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Attribute) and ast.unparse(node) in ("sys.exit", "os._exit"))
        or (isinstance(node, ast.Name) and node.id in ("SystemExit", "exit", "quit"))
    }
    assert users == {"cli/main.py"}


def test_one_place_reads_the_clock() -> None:
    reads = re.compile(r"datetime\.now\(|datetime\.utcnow|date\.today|time\.time\(")
    users = {_name(path) for path in MODULES if reads.search(path.read_text(encoding="utf-8"))}
    assert users == {"clock.py"}


def test_no_module_is_two() -> None:
    long = {
        _name(path): lines
        for path in MODULES
        if (lines := path.read_text(encoding="utf-8").count("\n")) > MOST_LINES
    }
    assert long == {}


def test_everything_public_is_documented(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--select", "D", "generator"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_every_module_loads_by_itself(path: Path) -> None:
    parts = path.relative_to(GENERATOR.parent).with_suffix("").parts
    if parts[-1] != "__main__":
        importlib.import_module(".".join(parts).removesuffix(".__init__"))


def test_public_signatures_say_what_they_take() -> None:
    """No `Any` stands in a public signature, but for what click passes through."""
    wrong = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
            said = [argument.annotation for argument in arguments] + [node.returns]
            if any(re.search(r"\bAny\b", ast.unparse(part)) for part in said if part):
                wrong.append(f"{_name(path)}:{node.lineno} {node.name}")
    assert wrong == []


# The error tree


def _drawn_tree() -> dict[str, tuple[str, int]]:
    """Class to its base and exit code, as the docstring of errors.py draws them."""
    above: dict[int, str] = {}
    found: dict[str, tuple[str, int]] = {}
    for line in inspect.cleandoc(errors.__doc__ or "").splitlines():
        drawn = re.fullmatch(r"([\s│├└─]*)(\w+)\s+(\d+)\s+\S.*", line)
        root = re.fullmatch(r"\s*(GeneratorError)", line)
        if root:
            above = {len(line) - len(line.lstrip()): root[1]}
        elif drawn:
            indent = len(drawn[1]) - len("├── ")
            above[len(drawn[1])] = drawn[2]
            found[drawn[2]] = (above[indent], int(drawn[3]))
    return found


def _real_tree() -> dict[str, tuple[str, int]]:
    return {
        name: (cls.__bases__[0].__name__, int(cls.exit_code))
        for name, cls in vars(errors).items()
        if inspect.isclass(cls)
        and issubclass(cls, errors.GeneratorError)
        and cls is not errors.GeneratorError
    }


def test_the_error_tree_is_as_drawn() -> None:
    assert _drawn_tree() == _real_tree()


def test_every_error_is_raised_somewhere() -> None:
    sources = "\n".join(
        path.read_text(encoding="utf-8") for path in MODULES if path.name != "errors.py"
    )
    # Raised by name, or handed to what raises it; an import line alone ends with the name.
    unused = {
        name for name in _real_tree() if not re.search(rf"(?m)^(?! *\w+,$).*\b{name}[(,]", sources)
    }
    assert unused == set()


def test_every_exit_code_has_one_meaning() -> None:
    codes = [code for code, _ in errors.EXIT_CODES]
    assert codes == sorted(errors.ExitCode)
    assert len(set(codes)) == len(codes)


def test_every_error_has_its_own_exit_code_in_the_table() -> None:
    assert {code for _, code in _real_tree().values()} <= {int(code) for code in errors.ExitCode}
