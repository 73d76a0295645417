"""Fills in what `sn-smtp init` leaves to a person."""

from __future__ import annotations

import json
import re
from pathlib import Path

VALUES = {
    "common.yaml": {"scope": "x_acme_smtp"},
    "dev/environment.yaml": {
        "url": "https://acme-dev.service-now.example",
        "user_name": "servicenow-dev@acme.example",
    },
}

OUTPUTS = {
    "tenant_id": {"value": "7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b"},
    "client_id": {"value": "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f"},
}


def complete(root: Path) -> None:
    """Write the values, each where its key stands blank, and Azure's outputs beside them."""
    for name, values in VALUES.items():
        path = root / name
        text = path.read_text(encoding="utf-8")
        for key, value in values.items():
            text, found = re.subn(
                rf"^(\s+{key}:)\s*(?:#.*)?$", rf"\1 {value}", text, flags=re.MULTILINE
            )
            assert found == 1, f"{name} leaves {key} blank {found} times"
        path.write_text(text, encoding="utf-8")
    (root / "dev" / "azure.json").write_text(json.dumps(OUTPUTS), encoding="utf-8")
