"""Compiled templates are kept where nobody else can write, and never decide what comes out."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest
from jinja2 import BytecodeCache

from generator.update_set import compiled
from generator.update_set.compiled import compiled_cache
from generator.update_set.templates import Templates

NAME = "records/mine.xml.j2"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where compiled templates are kept: nowhere that other tests look."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def rendered(tmp_path: Path, source: str) -> str:
    """What a new process would print."""
    path = tmp_path / "mine" / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
    return Templates(tmp_path / "mine").render(NAME, {"x": "<"})


def caches(kept: Path) -> list[Path]:
    return sorted(kept.glob("*/__sn_smtp_*.cache"))


def test_what_is_kept_is_the_users_alone_and_used(tmp_path: Path, kept: Path) -> None:
    assert rendered(tmp_path, "a{{ x }}") == "a&lt;"
    (cache,) = caches(kept)
    assert cache.parent.stat().st_mode & 0o077 == 0
    written = cache.stat().st_mtime_ns
    assert rendered(tmp_path, "a{{ x }}") == "a&lt;"
    assert cache.stat().st_mtime_ns == written


def test_a_changed_template_is_compiled_anew(tmp_path: Path, kept: Path) -> None:
    assert rendered(tmp_path, "a{{ x }}") == "a&lt;"
    assert rendered(tmp_path, "b{{ x }}") == "b&lt;"
    assert len(caches(kept)) == 1


@pytest.mark.parametrize("keep", [0, 3, 12, 24, 40, 90])
def test_what_is_damaged_counts_as_nothing(tmp_path: Path, kept: Path, keep: int) -> None:
    assert rendered(tmp_path, "a{{ x }}") == "a&lt;"
    (cache,) = caches(kept)
    for rest in (b"", b"\x00" * 40, b"garbage that is no pickle", bytes(range(255, 0, -1))):
        whole = cache.read_bytes()
        cache.write_bytes(whole[:keep] + rest)
        assert rendered(tmp_path, "a{{ x }}") == "a&lt;"


def test_a_directory_of_somebody_elses_is_not_used(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "outside").mkdir()
    (kept / f"_jinja2-cache-{os.getuid()}").symlink_to(tmp_path / "outside")
    assert compiled_cache() is None
    assert rendered(tmp_path, "a{{ x }}") == "a&lt;"
    assert not list((tmp_path / "outside").iterdir())


def test_a_disk_that_takes_nothing_is_no_obstacle(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**kwargs: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", full)
    assert rendered(tmp_path, "a{{ x }}") == "a&lt;"
    assert caches(kept) == []


def test_code_that_cannot_be_read_is_not_vouched_for(tmp_path: Path) -> None:
    assert compiled_cache(tmp_path / "no_such_source.py") is None


def test_windows_has_no_directory_of_the_users_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled.sys, "platform", "win32")
    assert compiled_cache() is None


def test_other_code_means_other_bytecode(tmp_path: Path, kept: Path) -> None:
    """Constants are filtered at compile time: a new version must not print an old one's text."""

    def checksum(code: str) -> str:
        source = tmp_path / "code.py"
        source.write_text(code, encoding="utf-8")
        cache = compiled_cache(source)
        assert isinstance(cache, BytecodeCache)
        return cache.get_source_checksum("a template")

    assert checksum("one") == checksum("one") != checksum("other")
