"""The same records built by ServiceNow's own SDK (`now-sdk build`), for comparison."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from bench.fleet import write_inputs

HERE = Path(__file__).resolve().parent.parent


def sdk() -> ModuleType:
    """The harness of the conformance tests, loaded from its file."""
    path = HERE / "tests" / "conformance" / "now_sdk.py"
    spec = importlib.util.spec_from_file_location("now_sdk", path)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"cannot load {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules["now_sdk"] = module
    spec.loader.exec_module(module)
    return module


def prepare(scratch: Path) -> tuple[Path, Path]:
    """Render one environment as separate sets, and transform the app's set into a project.

    Returns:
        The root with the environment `one`, and the SDK's project of the same records.
    """
    root, project = scratch / "one", scratch / "project"
    write_inputs(root, 1)
    (root / "env0000").rename(root / "one")
    with (root / "one" / "environment.yaml").open("a", encoding="utf-8") as file:
        file.write("layout: separate\n")
    command = Path(sys.executable).with_name("sn-smtp")
    subprocess.run([command, "render", "one", "--root", root], check=True, capture_output=True)
    manifest = json.loads((root / "one" / "manifest.json").read_bytes())
    app = next(entry["file"] for entry in manifest["sets"] if entry["role"] == "app")
    sdk().transform(root / "one" / app, project)
    return root, project


def build_command(project: Path) -> tuple[list[str], Mapping[str, str]]:
    """What `now-sdk build` of a project starts, and the environment it wants."""
    command = sdk().command(project, "build", str(project))
    return list(command.arguments), command.environment
