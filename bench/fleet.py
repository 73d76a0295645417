"""The inputs of many environments, and a loop that only writes what they render to.

    python -m bench.fleet ROOT FROM    write the packages that lie in FROM, with the same staging

Prints one JSON object with the seconds that the writing took, without start-up and reading.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from generator.update_set.package_state import STAGING, staging_name
from generator.update_set.store import sync_directory, synced

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
    """Write the files of `count` environments into a root that is not there yet."""
    root.mkdir(parents=True)
    (root / "common.yaml").write_text(_COMMON, encoding="utf-8")
    for number in range(count):
        directory = root / f"env{number:04d}"
        directory.mkdir()
        values = {"number": number}
        (directory / "environment.yaml").write_text(_ENVIRONMENT % values, encoding="utf-8")
        (directory / "azure.json").write_text(_azure(number), encoding="utf-8")


def bare(root: Path, rendered: Path) -> dict[str, float]:
    """Write what was rendered, file by file, with the same staging, syncs and renames."""
    packages = []
    for directory in sorted(path for path in rendered.iterdir() if path.is_dir()):
        listed = json.loads((directory / "manifest.json").read_bytes())["files"]
        files = {name: (directory / name).read_bytes() for name in listed}
        packages.append((directory.name, files, (directory / "manifest.json").read_bytes()))
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


if __name__ == "__main__":
    print(json.dumps(bare(Path(sys.argv[1]), Path(sys.argv[2]))))
