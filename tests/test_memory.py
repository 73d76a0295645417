"""The two settings of memory: they change how much is kept, never what comes out."""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys

import pytest

from generator.memory import collect_rarely, keep_freed_memory


def test_the_collector_searches_rarely() -> None:
    before = gc.get_threshold()
    try:
        collect_rarely()
        assert gc.get_threshold() == (100_000, 20, 20)
    finally:
        gc.set_threshold(*before)


class _Library:
    def __init__(self) -> None:
        self.calls: list[tuple[int, int]] = []

    def mallopt(self, parameter: int, value: int) -> int:
        self.calls.append((parameter, value))
        return 1


def test_glibc_is_told_what_to_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    library = _Library()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    monkeypatch.setattr(sys, "platform", "linux")
    keep_freed_memory()
    assert dict(library.calls) == {-3: 32 << 20, -1: 64 << 20, -2: 4 << 20}


def test_a_library_without_mallopt_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    monkeypatch.setattr(sys, "platform", "linux")
    keep_freed_memory()


def test_another_platform_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: None) -> None:
        raise AssertionError

    monkeypatch.setattr(ctypes, "CDLL", fail)
    monkeypatch.setattr(sys, "platform", "win32")
    keep_freed_memory()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mallopt is glibc's")
def test_a_process_goes_on_after_it() -> None:
    code = (
        "from generator.memory import keep_freed_memory as k; k(); "
        "print(sum(len(bytes(300_000)) for _ in range(100)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "30000000\n"
