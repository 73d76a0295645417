"""What the Azure tests share: one fictional application, and a way to hand documents over."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from generator.azure.model import AzureOutputs
from generator.azure.read import read_azure_outputs

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

Read = Callable[..., AzureOutputs]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a document (text, bytes or JSON) to a file named after its position."""
    counter = iter(range(1000))

    def make(document: object) -> Path:
        path = tmp_path / f"input{next(counter)}.json"
        if isinstance(document, bytes):
            path.write_bytes(document)
        else:
            path.write_text(
                document if isinstance(document, str) else json.dumps(document), encoding="utf-8"
            )
        return path

    return make


@pytest.fixture
def read(write: Callable[..., Path]) -> Read:
    """Read documents as files, at a fixed moment unless another is given."""

    def understood(*documents: object, now: datetime = NOW, client: str | None = None):
        files = [write(document) for document in documents]
        return read_azure_outputs(files, now=now, expected_client_id=client)

    return understood
