"""Files are read plain, whole, and never through a symbolic link."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from generator.update_set import plain_files
from generator.update_set.plain_files import PlainFiles, differing_files, digest_of, read_plain

DATA = b"x" * 5000


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "records" / "sys_app").mkdir(parents=True)
    (tmp_path / "records" / "sys_app" / "a.xml").write_bytes(DATA)
    (tmp_path / "SUMMARY.md").write_bytes(b"short")
    return tmp_path


def test_a_file_holds_its_bytes_and_no_others(package: Path) -> None:
    files = PlainFiles(package)
    assert files.holds("SUMMARY.md", b"short")
    assert files.holds("records/sys_app/a.xml", DATA)
    # What an earlier, longer file left in the buffer is not part of a shorter one.
    assert files.holds("SUMMARY.md", b"short")
    for other in (b"", b"shor", b"shorT", b"shortx"):
        assert not files.holds("SUMMARY.md", other)
    assert not files.holds("records/sys_app/a.xml", DATA[:-1] + b"y")
    assert not files.holds("missing", b"")


def test_a_link_a_directory_and_a_pipe_hold_nothing(package: Path) -> None:
    (package / "link").symlink_to("SUMMARY.md")
    (package / "astray").symlink_to("records")
    os.mkfifo(package / "pipe")
    for name in ("link", "astray/sys_app/a.xml", "records", "pipe", "SUMMARY.md/deeper"):
        files = PlainFiles(package)
        assert files.read(name) is None
        assert files.digest(name) is None
        for data in (b"", b"short", DATA):
            assert not files.holds(name, data)


def test_without_o_nofollow_links_are_looked_for(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain_files, "_NO_FOLLOW", 0)
    monkeypatch.setattr(plain_files, "_READ", os.O_RDONLY)
    (package / "link").symlink_to("SUMMARY.md")
    assert read_plain(package, "link") is None
    assert read_plain(package, "SUMMARY.md") == b"short"


class _Piecemeal(io.FileIO):
    """A file that gives less than is asked for."""

    def readinto(self, buffer: memoryview) -> int:
        return super().readinto(buffer[:2])


class _Shrunk(io.FileIO):
    """A file that ends before the size it had."""

    def readinto(self, buffer: memoryview) -> int:
        return 0


class _Broken(io.FileIO):
    def readinto(self, buffer: object) -> int:
        raise OSError(5, "Input/output error")


def test_short_reads_and_an_early_end_are_seen(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain_files, "FileIO", _Piecemeal)
    assert PlainFiles(package).holds("SUMMARY.md", b"short")
    for other in (b"Xhort", b"shorT"):
        assert not PlainFiles(package).holds("SUMMARY.md", other)
    monkeypatch.setattr(plain_files, "FileIO", _Shrunk)
    assert not PlainFiles(package).holds("SUMMARY.md", b"short")


def test_a_file_longer_than_a_piece_is_compared_whole(tmp_path: Path) -> None:
    data = bytes(range(256)) * 1000
    (tmp_path / "long").write_bytes(data)
    assert PlainFiles(tmp_path).holds("long", data)
    assert not PlainFiles(tmp_path).holds("long", data[:-1] + b"?")
    assert not PlainFiles(tmp_path).holds("long", data[:70_000] + b"?" + data[70_001:])


def test_a_file_that_cannot_be_read_holds_nothing(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain_files, "FileIO", _Broken)
    assert not PlainFiles(package).holds("SUMMARY.md", b"short")

    def fail(handle: int, size: int) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(plain_files.os, "read", fail)
    assert read_plain(package, "SUMMARY.md") is None


def test_a_file_that_grew_is_read_to_its_end(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = os.read

    def piecemeal(handle: int, size: int) -> bytes:
        return plain(handle, min(size, 1999))

    monkeypatch.setattr(plain_files.os, "read", piecemeal)
    assert read_plain(package, "records/sys_app/a.xml") == DATA


def test_what_differs_from_its_digest_is_named(package: Path) -> None:
    digest = digest_of(package, "SUMMARY.md")
    assert digest is not None
    listed = {"SUMMARY.md": digest, "records/sys_app/a.xml": digest, "missing": digest}
    assert differing_files(package, listed) == ("records/sys_app/a.xml", "missing")
