"""The same inputs and history give the same bytes on any machine and in any surroundings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from packages import snapshot
from roots import DAY, EPOCH, child, write_environment, write_root

ODD = "Ä & <b> שלום ]]> {{ 7 * 7 }} 日本"
ADOPTED = f"{{sys_app: {'a' * 32}, oauth_entity: {'b' * 32}}}"
FILES = {
    "batch": f"oauth: {{comments: '{ODD}'}}\nsys_ids: {ADOPTED}\n",
    "separate": f"layout: separate\nemail_account: {{label: '{ODD}', live: true}}\n",
}

SURROUNDINGS = {
    "seed 0": {"PYTHONHASHSEED": "0"},
    "seed 4242": {"PYTHONHASHSEED": "4242"},
    "west": {"TZ": "America/St_Johns"},
    "east": {"TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8"},
    "posix": {"LC_ALL": "POSIX", "LANG": "", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "utf-8": {"LC_ALL": "C.utf8", "PYTHONUTF8": "1", "NO_COLOR": "1", "TERM": "dumb"},
    "strict": {"PYTHONDEVMODE": "1", "PYTHONHASHSEED": "7"},
}


def history(root: Path, variables: dict[str, str]) -> dict[str, bytes]:
    """Two renders with a change between them."""
    write_root(root, FILES)
    for epoch, more in ((EPOCH, ""), (EPOCH + DAY, "version: 1.0.1\n")):
        for name, text in FILES.items():
            write_environment(root, name, text + more)
        done = child(
            "render",
            "--all",
            "--root",
            str(root),
            variables={**variables, "SOURCE_DATE_EPOCH": str(epoch)},
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")
    return snapshot(root)


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return history(tmp_path_factory.mktemp("usual") / "root", {"PYTHONHASHSEED": "1"})


@pytest.mark.slow
@pytest.mark.parametrize("variables", SURROUNDINGS.values(), ids=SURROUNDINGS.keys())
def test_surroundings_do_not_matter(
    usual: dict[str, bytes], tmp_path: Path, variables: dict[str, str]
) -> None:
    assert history(tmp_path / "a place with blanks" / "root", variables) == usual


def test_the_umask_and_the_order_of_directories_do_not_matter(
    usual: dict[str, bytes], tmp_path: Path
) -> None:
    for name in reversed(FILES):
        (tmp_path / "root" / name).mkdir(parents=True)
    former = os.umask(0o077)
    try:
        assert history(tmp_path / "root", {}) == usual
    finally:
        os.umask(former)


def test_no_file_has_another_line_end(usual: dict[str, bytes]) -> None:
    for name, data in usual.items():
        assert b"\r" not in data, name
        if "/records/" in name or name.endswith((".md", ".json", "email_account.xml")):
            assert data.endswith(b"\n"), name
            assert not data.endswith(b"\n\n"), name
        data.decode("utf-8")
        assert not data.startswith(b"\xef\xbb\xbf"), name
