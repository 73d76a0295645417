"""A thousand environments in one process, against a loop that only writes the same bytes.

    python -m bench.fleet render ROOT N    write the inputs of N environments, render them all
    python -m bench.fleet inputs ROOT N    only write the inputs
    python -m bench.fleet write ROOT       render what is there
    python -m bench.fleet dry-run ROOT     the same, writing nothing
    python -m bench.fleet bare ROOT FROM   write the files that lie in FROM, with the same staging

Each prints one JSON object with the seconds that the work took, without start-up and inputs.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from generator.collector import collect_rarely
from generator.config.discovery import discover
from generator.config.load import Loader
from generator.integration.integration import logical_names
from generator.packaging import Mode, render_package
from generator.rendering import PackageRenderer
from generator.update_set.package_state import STAGING, staging_name
from generator.update_set.store import sync_directory, synced
from generator.update_set.templates import Templates

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

_COMMON = """\
release: xanadu
version: 1.0.0
app: {name: Mail OAuth, scope: x_acme_mail_oauth, version: 1.0.0}
email_account: {name: Exchange Online SMTP, label: Service Desk}
"""
_ENVIRONMENT = """\
instance:
  url: https://acme-%(number)04d.service-now.example
email_account:
  user_name: servicenow-%(number)04d@acme.example
  from: servicedesk-%(number)04d@acme.example
"""
_TENANT = "3a5f0c7e-91b2-4c8d-a6e4-7b8c9d0e1f20"


def _azure(number: int) -> str:
    """Terraform outputs of one environment."""
    values = {
        "tenant_id": _TENANT,
        "client_id": f"b1f6c9a2-7d34-4e0b-8c55-91a2e3d4{number:04x}",
        "client_secret_end_date": "2027-09-30T00:00:00Z",
    }
    return json.dumps(
        {key: {"sensitive": False, "type": "string", "value": v} for key, v in values.items()}
    )


def write_inputs(root: Path, count: int) -> None:
    """Write the files of `count` environments."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    (root / "common.yaml").write_text(_COMMON, encoding="utf-8")
    for number in range(count):
        directory = root / f"env{number:04d}"
        directory.mkdir()
        values = {"number": number}
        (directory / "environment.yaml").write_text(_ENVIRONMENT % values, encoding="utf-8")
        (directory / "azure.json").write_text(_azure(number), encoding="utf-8")


def render(root: Path, mode: Mode) -> dict[str, float]:
    """Load and render every environment of a root; seconds in all, and beyond the first 100."""
    started = time.perf_counter()
    loader = Loader(root, variables={}, now=NOW, logical_names=logical_names())
    environments = [loader.load(name) for name in discover(root)]
    loader.check_claims(environments)
    loaded = time.perf_counter() - started
    renderer = PackageRenderer(Templates(), now=NOW)
    after_100 = 0.0
    written = time.perf_counter()
    for number, environment in enumerate(environments):
        if number == 100:
            after_100 = time.perf_counter()
        render_package(environment, renderer, mode=mode)
    ended = time.perf_counter()
    beyond = ended - after_100 if after_100 else 0.0
    count = len(environments)
    return {
        "seconds": ended - started,
        "rendering": ended - written,
        "each_beyond_100": (beyond + loaded * (count - 100) / count) / max(count - 100, 1),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def bare(root: Path, rendered: Path) -> dict[str, float]:
    """Write what was rendered, file by file, with the same staging, syncs and renames."""
    packages = []
    for directory in sorted(path for path in rendered.iterdir() if path.is_dir()):
        listed = json.loads((directory / "manifest.json").read_bytes())["files"]
        files = {name: (directory / name).read_bytes() for name in listed}
        packages.append((directory.name, files, (directory / "manifest.json").read_bytes()))
    shutil.rmtree(root, ignore_errors=True)
    for name, _, _ in packages:
        (root / name).mkdir(parents=True)
    started = time.perf_counter()
    for name, files, manifest in packages:
        _bare_store(root / name, files, manifest)
    return {"seconds": time.perf_counter() - started}


def _bare_store(directory: Path, files: dict[str, bytes], manifest: bytes) -> None:
    staging = directory / STAGING
    staging.mkdir()
    for name, data in files.items():
        (staging / staging_name(name)).write_bytes(data)
    (staging / "manifest.json").write_bytes(manifest)
    synced(staging)
    for name in files:
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (staging / staging_name(name)).replace(target)
    synced(directory)
    (staging / "manifest.json").replace(directory / "manifest.json")
    sync_directory(directory)
    staging.rmdir()


def main() -> None:
    """Run one of the two and print what it cost."""
    what, root = sys.argv[1], Path(sys.argv[2])
    if what == "bare":
        print(json.dumps(bare(root, Path(sys.argv[3]))))
        return
    collect_rarely()
    if what in ("render", "inputs"):
        write_inputs(root, int(sys.argv[3]))
    if what == "inputs":
        print("{}")
        return
    print(json.dumps(render(root, Mode.DRY_RUN if what == "dry-run" else Mode.WRITE)))


if __name__ == "__main__":
    main()
