"""The error tree and the exit codes."""

from __future__ import annotations

import pytest

from generator import errors
from generator.errors import EXIT_CODES, ExitCode, Fault, GeneratorError
from generator.progress import Silent


@pytest.mark.parametrize(
    ("name", "parent", "code"),
    [
        ("GeneratorError", Exception, 1),
        ("UsageError", errors.GeneratorError, 2),
        ("ConfigError", errors.UsageError, 2),
        ("Refused", errors.GeneratorError, 7),
        ("InternalError", errors.GeneratorError, 1),
    ],
)
def test_the_tree(name: str, parent: type[Exception], code: int) -> None:
    kind = getattr(errors, name)
    assert kind.__bases__ == (parent,)
    assert kind.exit_code == code
    # The drawing at the top of the module names each.
    assert name in (errors.__doc__ or "")


def test_the_codes_are_fixed_and_all_explained() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "OK": 0,
        "FAILED": 1,
        "USAGE": 2,
        "FINDINGS": 3,
        "PREVIEW_PROBLEMS": 4,
        "DIFFERS": 5,
        "VERIFICATION_FAILED": 6,
        "REFUSED": 7,
        "INTERRUPTED": 130,
    }
    assert [code for code, _ in EXIT_CODES] == list(ExitCode)
    assert all(meaning for _, meaning in EXIT_CODES)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault("c", "M."), "M."),
        (Fault("c", "M.", file="f"), "f: M."),
        (Fault("c", "M.", file="f", line=3), "f:3: M."),
        (Fault("c", "M.", line=3), "M."),
        (Fault("c", "M.", path="p"), "p: M."),
        (Fault("c", "M.", file="f", line=3, path="p", next="n"), "f:3: p: M. Next: n"),
    ],
)
def test_a_fault_reads_as_a_line(fault: Fault, text: str) -> None:
    assert str(fault) == text


def test_an_error_holds_all_its_faults() -> None:
    one, other = Fault("a", "A."), Fault("b", "B.")
    error = errors.ConfigError(one, other)
    assert error.faults == (one, other)
    assert str(error) == "A.\nB."


def test_an_error_of_one_fault() -> None:
    error = errors.Refused.of("c", "M.", file="f", line=3, path="p", next="n")
    assert isinstance(error, errors.Refused)
    assert error.faults == (Fault("c", "M.", "f", 3, "p", "n"),)


def test_an_error_without_a_fault_is_a_bug() -> None:
    with pytest.raises(ValueError, match="at least one"):
        GeneratorError()


def test_silence_takes_everything_and_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    silent = Silent()
    silent.start("work", total=2)
    silent.step("a")
    silent.finish()
    assert capsys.readouterr() == ("", "")
