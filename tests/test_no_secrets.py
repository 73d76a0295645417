"""No tracked file holds what our own rule takes for a secret, nor a place of one machine."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from generator.secrets.shapes import SecretKind, embedded_secret

# Put together here, so that this file does not match them itself.
MACHINE = re.compile(
    r"(?:^|[^\w.])/(?:" + "|".join(("wor" + "k", "roo" + "t", "far" + "m")) + r")/[a-z.]",
    re.MULTILINE,
)
HOMES = re.compile(r"(?:^|[^\w.])/(?:home|Users)/(?!you/|runner/)[a-z]", re.MULTILINE)
REGISTRY = re.compile(
    r"(?:index-url|registry)[ =]+https?:|\"resolved\": *\"https?:|"
    r"(?:pypi\.org/simple|files\." + r"pythonhosted\.org|registry\." + r"npmjs\.org)",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def tracked(repository: Path) -> tuple[Path, ...]:
    """Every file that git tracks."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    listed = subprocess.run(
        ["git", "-C", repository, "ls-files", "-z"], capture_output=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("this is no git checkout, so no file is tracked")
    names = listed.stdout.decode("utf-8").split("\0")
    # A file that was just deleted is still in the index.
    return tuple(path for name in names if name and (path := repository / name).is_file())


def _texts(tracked: tuple[Path, ...]) -> dict[Path, str]:
    return {path: path.read_bytes().decode("utf-8", errors="replace") for path in tracked}


def test_files_are_tracked(tracked: tuple[Path, ...]) -> None:
    names = {path.name for path in tracked}
    assert {"README.md", "core.lock", "shapes.py"} <= names


def test_no_tracked_file_matches_our_own_secret_rule(tracked: tuple[Path, ...]) -> None:
    found = {
        str(path): kind for path, text in _texts(tracked).items() if (kind := embedded_secret(text))
    }
    assert found == {}


def test_no_tracked_file_is_named_like_a_key(tracked: tuple[Path, ...]) -> None:
    suspicious = {".pem", ".key", ".pfx", ".p12", ".jks", ".keystore", ".env"}
    assert [path for path in tracked if suspicious & {path.suffix, path.name}] == []


@pytest.mark.parametrize("pattern", [MACHINE, HOMES, REGISTRY], ids=["machine", "home", "registry"])
def test_no_tracked_file_names_a_place_of_one_machine_or_a_package_registry(
    tracked: tuple[Path, ...], pattern: re.Pattern[str]
) -> None:
    found = {
        str(path): match[0]
        for path, text in _texts(tracked).items()
        if (match := pattern.search(text))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("planted", "kind"),
    [
        ("abc" + "8Q~" + "x" * 34, SecretKind.ENTRA),
        ("\ufdde\ufddf" + "x", SecretKind.KMF),
        ("AAAA" + "MaSa" + "+EyjGA==", SecretKind.LEGACY),
        ("-----BEGIN " + "PRIVATE KEY-----", SecretKind.PRIVATE_KEY),
    ],
)
def test_the_rule_would_find_one(planted: str, kind: SecretKind) -> None:
    assert embedded_secret(f"line\nclient_secret = '{planted}'\n") is kind


@pytest.mark.parametrize(
    ("planted", "pattern"),
    [
        ("see /wor" + "k/main", MACHINE),
        ("'/roo" + "t/.cache'", MACHINE),
        ("/home/" + "someone/x", HOMES),
        ("--index-url " + "https://example.com", REGISTRY),
        ('"resolved": ' + '"https://example.com"', REGISTRY),
    ],
)
def test_the_patterns_would_find_one(planted: str, pattern: re.Pattern[str]) -> None:
    assert pattern.search(planted)
