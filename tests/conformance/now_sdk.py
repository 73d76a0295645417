"""ServiceNow's own SDK as a second reader: installed once, run offline, its answers counted.

The npm package `@servicenow/sdk` (command `now-sdk`) turns update sets into Fluent source code
(`transform --from`) and builds an application from that (`build`). `transform` exits 0 also when
it did nothing: a set of another application is skipped, a set whose action has a choice input
is dropped. So its exit code proves nothing; `definitions` tells what came back.

Needs Node 20.18 or later with npm. The first use installs the SDK (about 340 MB, the versions and
hashes of `sdk/package-lock.json`) under `.cache/` of the checkout, with the user's own npm
settings. All that follows needs no network, and none is let through.

The module needs no test library and may be loaded by its path:

    transform(Path("sys_remote_update_set_<sys_id>.xml"), project)
    build(project)

or, to measure, `command(project, "build", str(project))` gives what `build` would start.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from lxml import etree

MINIMUM_NODE = (20, 18)
"""What the SDK asks for in its `engines`."""

INSTALL_SECONDS = 900
RUN_SECONDS = 300
"""Bounds on one command; on two cores `build` takes some 6 seconds, `transform` some 14."""

_HERE = Path(__file__).resolve().parent
_MANIFESTS = _HERE / "sdk"
_OFFLINE = _MANIFESTS / "offline.cjs"
_CACHE = _HERE.parents[1] / ".cache"
_REFUSED = "refused by offline.cjs"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class NowSdkUnavailableError(Exception):
    """Node or npm is missing or too old; the message is a reason to skip."""


class NowSdkError(Exception):
    """The SDK could not be installed, failed, hung, or asked for the network."""


class App(NamedTuple):
    """The application of an update set, as its `sys_remote_update_set` names it."""

    scope: str
    """`x_...`, or `global`."""

    sys_id: str
    """32 hex digits, or `global`."""

    name: str


class Command(NamedTuple):
    """How to start the SDK on a project."""

    arguments: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str]


def require_node() -> None:
    """Look for Node and npm, and start nothing long.

    Raises:
        NowSdkUnavailableError: Either is missing, or Node is too old.
    """
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        raise NowSdkUnavailableError("Node.js with npm is not installed")
    said = subprocess.run(
        [node, "--version"], capture_output=True, text=True, timeout=60, check=False
    ).stdout.strip()
    version = re.match(r"v(\d+)\.(\d+)", said)
    if version is None or tuple(map(int, version.groups())) < MINIMUM_NODE:
        wanted = ".".join(map(str, MINIMUM_NODE))
        raise NowSdkUnavailableError(f"Node.js is {said or 'of no known version'}, not >= {wanted}")


def sdk_directory() -> Path:
    """The directory whose `node_modules` holds the SDK; installs it if it is not there.

    Its name holds the digest of the lock, and it is renamed into place when it is complete: a
    directory that is there is the right one, and two processes may install at the same time.

    Raises:
        NowSdkUnavailableError: Node is missing or too old.
        NowSdkError: npm failed; the message holds the end of what it said.
    """
    require_node()
    digest = hashlib.sha256((_MANIFESTS / "package-lock.json").read_bytes()).hexdigest()
    target = _CACHE / f"now-sdk-{digest[:12]}"
    if target.is_dir():
        return target
    _CACHE.mkdir(exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix="now-sdk-staged-", dir=_CACHE))
    try:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(_MANIFESTS / name, staged / name)
        # No package needs its install script here; what is compiled comes as a package.
        npm = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-progress")
        _run(Command(npm, staged, os.environ), seconds=INSTALL_SECONDS)
        try:
            staged.rename(target)
        except OSError:
            if not target.is_dir():  # otherwise another process was faster
                raise
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return target


def application(update_set: Path) -> App:
    """The application of the first set in a file."""
    found = {"application": "", "application_scope": "", "application_name": ""}
    with update_set.open("rb") as stream:
        for _, element in etree.iterparse(
            stream, resolve_entities=False, no_network=True, load_dtd=False
        ):
            if element.tag in found:
                found[element.tag] = element.text or ""
            elif element.tag == "sys_remote_update_set":
                break
    return App(found["application_scope"], found["application"], found["application_name"])


def new_project(project: Path, app: App) -> None:
    """Lay out the least that the SDK takes for a project: two files, and the SDK in reach."""
    project.mkdir(parents=True, exist_ok=True)
    settings = {"scope": app.scope, "scopeId": app.sys_id, "name": app.name}
    (project / "now.config.json").write_text(json.dumps(settings), encoding="utf-8")
    manifest = json.loads((_MANIFESTS / "package.json").read_text(encoding="utf-8"))
    package = {
        "name": "second-reader",
        "version": "1.0.0",
        "private": True,
        # Named as a dependency, or the sources that `transform` writes import nothing.
        "devDependencies": manifest["devDependencies"],
    }
    (project / "package.json").write_text(json.dumps(package), encoding="utf-8")
    (project / "node_modules").symlink_to(sdk_directory() / "node_modules")


def transform(update_set: Path, project: Path) -> str:
    """Read an update set into a project, which is laid out for its application if it is new.

    Args:
        update_set: One export. The file must keep the platform's name.
        project: Directory of the project; what it holds already is kept.

    Returns:
        What the SDK said. That it came back says nothing, see `definitions`.

    Raises:
        NowSdkUnavailableError: Node is missing or too old.
        NowSdkError: It failed, hung, or asked for the network.
    """
    if not (project / "now.config.json").exists():
        new_project(project, application(update_set))
    return _run(
        command(project, "transform", "--from", str(update_set), "--directory", str(project))
    )


def build(project: Path) -> str:
    """Build the application of a project into `dist/app`; faults in its sources are errors.

    Returns:
        What the SDK said.

    Raises:
        NowSdkUnavailableError: Node is missing or too old.
        NowSdkError: A source has a fault, or as `transform`.
    """
    return _run(command(project, "build", str(project)))


def command(project: Path, *arguments: str) -> Command:
    """How to start `now-sdk` with these arguments: offline, and blind to who runs it.

    Raises:
        NowSdkUnavailableError: Node is missing or too old.
        NowSdkError: The SDK could not be installed.
    """
    entry = sdk_directory() / "node_modules/@servicenow/sdk/bin/index.js"
    home = project / ".home"
    home.mkdir(parents=True, exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        **{f"XDG_{kind}_HOME": str(home) for kind in ("CACHE", "CONFIG", "DATA", "STATE")},
        "CI": "1",
        "LANG": "C.UTF-8",
        # The SDK's way to send no usage data; what is sent all the same is refused.
        "NODE_ENV": "test",
    }
    node = ("node", "--require", str(_OFFLINE), str(entry))
    return Command((*node, *arguments), project, environment)


def definitions(project: Path) -> dict[str, Path]:
    """The definitions that `transform` wrote, by update name (`<table>_<sys_id>`)."""
    suffix = ".now.ts"
    found = (project / "src/fluent").rglob(f"*{suffix}")
    return {path.name.removesuffix(suffix): path for path in sorted(found)}


def leftovers(project: Path) -> list[Path]:
    """What `transform` could only keep as XML, below `metadata/`."""
    return sorted(path for path in (project / "metadata").rglob("*") if path.is_file())


def built(project: Path) -> dict[str, Path]:
    """The records that `build` wrote for the instance's update table, by update name."""
    return {path.stem: path for path in sorted((project / "dist/app/update").glob("*.xml"))}


def _run(command: Command, *, seconds: int = RUN_SECONDS) -> str:
    name = " ".join(Path(part).name for part in command.arguments)
    try:
        done = subprocess.run(
            command.arguments,
            cwd=command.directory,
            env=command.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NowSdkError(f"{name}: not finished after {seconds} seconds") from error
    output = _COLOUR.sub("", done.stdout)
    if done.returncode or _REFUSED in output:
        raise NowSdkError(f"{name}: exit code {done.returncode}\n{output[-4000:]}")
    return output
