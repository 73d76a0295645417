"""Where secrets come from: each source yields exactly the secret, or says why, never what."""

from __future__ import annotations

import copy
import os
import pickle
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from generator.errors import ConfigError, Fault
from generator.secrets import keyring_source
from generator.secrets.acceptable import LARGEST
from generator.secrets.command_source import CommandSource, Ran, Run, run_program
from generator.secrets.interface import Secret
from generator.secrets.sources import resolve, secret_source

CANARY = "Correct-Horse" + "-Battery-9"
KEY = "instance.auth.password_from"
PEM = "-----BEGIN " + "PRIVATE KEY-----\nMIIC\n-----END " + "PRIVATE KEY-----\n"


def fetched(
    source: str,
    directory: Path,
    *,
    variables: Mapping[str, str] | None = None,
    prompt: Callable[[str], str] | None = None,
    run: Run = run_program,
) -> str:
    held = {**os.environ, **(variables or {})}
    secret = resolve(source, directory=directory, variables=held, prompt=prompt, key=KEY, run=run)
    assert isinstance(secret, Secret)
    assert CANARY not in repr(secret) + str(secret)
    return secret.reveal()


def refused(
    source: str,
    directory: Path,
    *,
    variables: Mapping[str, str] | None = None,
    prompt: Callable[[str], str] | None = None,
    run: Run = run_program,
) -> Fault:
    """The one fault, after a look for the canary in everything that the error says and keeps."""
    with pytest.raises(ConfigError) as caught:
        fetched(source, directory, variables=variables, prompt=prompt, run=run)
    error: BaseException | None = caught.value
    (fault,) = caught.value.faults
    said = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(fault)
    while error is not None:
        said += repr(error) + repr(error.args) + repr(vars(error))
        error = error.__context__
    assert CANARY not in said
    assert fault.path == KEY
    assert fault.next
    return fault


def secret_file(directory: Path, content: str | bytes, *, mode: int = 0o600) -> Path:
    path = directory / "secret"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


def program(code: str) -> str:
    return f'command:"{sys.executable}" -c "{code}"'


# env:


def test_a_variable(tmp_path: Path) -> None:
    assert fetched("env:SECRET", tmp_path, variables={"SECRET": f" {CANARY} "}) == f" {CANARY} "


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({}, "secret-unset"),
        ({"SECRET": ""}, "secret-empty"),
        ({"SECRET": CANARY + "\n"}, "secret-not-one-line"),
        ({"SECRET": CANARY + "\x00"}, "secret-not-one-line"),
        ({"SECRET": CANARY + "\udc80"}, "secret-not-one-line"),
    ],
)
def test_a_variable_that_holds_no_secret(
    tmp_path: Path, variables: dict[str, str], code: str
) -> None:
    fault = refused("env:SECRET", tmp_path, variables=variables)
    assert fault.code == code
    assert "env:SECRET" in fault.message


def test_the_variables_are_those_that_were_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", CANARY)
    with pytest.raises(ConfigError):
        resolve("env:SECRET", directory=tmp_path, variables={}, prompt=None, key=KEY)


# file:


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_file_without_its_last_line_end(tmp_path: Path, end: str) -> None:
    secret_file(tmp_path, CANARY + end)
    assert fetched("file:secret", tmp_path) == CANARY
    assert fetched(f"file:{tmp_path / 'secret'}", Path("elsewhere")) == CANARY


def test_a_file_keeps_its_blanks_and_letters(tmp_path: Path) -> None:
    secret_file(tmp_path, f"\t{CANARY} ü".replace("\t", " "))
    assert fetched("file:secret", tmp_path) == f" {CANARY} ü"


def test_a_private_key_has_lines(tmp_path: Path) -> None:
    secret_file(tmp_path, PEM)
    assert fetched("file:secret", tmp_path) == PEM.removesuffix("\n")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "secret-empty"),
        (b"\n", "secret-empty"),
        (CANARY.encode() + b"\n\n", "secret-not-one-line"),
        (CANARY.encode() + b"\nmore", "secret-not-one-line"),
        (CANARY.encode() + b"\r", "secret-not-one-line"),
        (CANARY.encode() + b"\x07", "secret-not-one-line"),
        (b"\xef\xbb\xbf" + CANARY.encode(), "secret-with-mark"),
        (CANARY.encode("utf-16"), "secret-with-mark"),
        (CANARY.encode() + b"\xff", "secret-not-text"),
        (CANARY.encode() * (LARGEST // len(CANARY) + 1), "secret-too-large"),
    ],
)
def test_a_file_that_holds_no_secret(tmp_path: Path, content: bytes, code: str) -> None:
    secret_file(tmp_path, content)
    assert refused("file:secret", tmp_path).code == code


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o602, 0o660])
def test_a_file_that_others_may_open(tmp_path: Path, mode: int) -> None:
    secret_file(tmp_path, CANARY, mode=mode)
    fault = refused("file:secret", tmp_path)
    assert fault.code == "secret-open-to-others"
    assert f"mode {mode:04o}" in fault.message
    assert "chmod 600 secret" in str(fault.next)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_file_of_its_owner_alone(tmp_path: Path, mode: int) -> None:
    secret_file(tmp_path, CANARY, mode=mode)
    assert fetched("file:secret", tmp_path) == CANARY


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_link_is_judged_by_what_it_leads_to(tmp_path: Path) -> None:
    target = secret_file(tmp_path, CANARY)
    (tmp_path / "link").symlink_to(target)
    assert fetched("file:link", tmp_path) == CANARY
    target.chmod(0o644)
    assert refused("file:link", tmp_path).code == "secret-open-to-others"


@pytest.mark.skipif(os.name != "posix", reason="there are no named pipes elsewhere")
def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "directory").mkdir(mode=0o700)
    assert refused("file:pipe", tmp_path).code == "secret-no-file"
    assert refused("file:directory", tmp_path).code == "secret-no-file"


@pytest.mark.parametrize("path", ["absent", "secret/below", "a\x00b"])
def test_a_file_that_cannot_be_read(tmp_path: Path, path: str) -> None:
    secret_file(tmp_path, CANARY)
    assert refused(f"file:{path}", tmp_path).code == "secret-unreadable"


# command:


def test_a_program(tmp_path: Path) -> None:
    assert fetched(program(f"print('{CANARY}')"), tmp_path) == CANARY


def test_a_program_runs_in_the_directory_with_the_variables_and_no_input(tmp_path: Path) -> None:
    code = "import os,sys; print(os.getcwd(), os.environ['X'], repr(sys.stdin.read()))"
    said = fetched(program(code), tmp_path, variables={"X": "y"})
    assert said == f"{tmp_path.resolve()} y ''"


def test_no_shell_sees_the_words(tmp_path: Path) -> None:
    seen: list[Sequence[str]] = []

    def run(words: Sequence[str], directory: Path, variables: Mapping[str, str]) -> Ran:
        seen.append(words)
        return Ran(0, CANARY.encode())

    assert fetched("command:show 'a b' $HOME ; rm *", tmp_path, run=run) == CANARY
    assert seen == [["show", "a b", "$HOME", ";", "rm", "*"]]


@pytest.mark.parametrize(
    "code",
    [
        f"print('{CANARY}'); raise SystemExit(3)",
        f"import sys; sys.stderr.write('{CANARY}'); sys.exit('{CANARY}')",
        f"import os; print('{CANARY}', flush=True); os.kill(os.getpid(), 9)",
    ],
)
def test_what_a_program_that_failed_printed_is_not_shown(
    tmp_path: Path, code: str, capfd: pytest.CaptureFixture[str]
) -> None:
    fault = refused(program(code), tmp_path)
    assert fault.code == "secret-command"
    assert "ended with status" in fault.message
    assert CANARY not in "".join(capfd.readouterr())


def test_arguments_are_not_shown(tmp_path: Path) -> None:
    assert refused(f"command:false --token {CANARY}", tmp_path).message.startswith("command:false:")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("no-such-program-anywhere", "cannot be started"),
        ("'open quote", "never closed"),
        ("''", "cannot be started"),
        ("a\x00b", "cannot be started"),
        ("  ", "is empty"),
    ],
)
def test_a_program_that_cannot_be_started(tmp_path: Path, command: str, expected: str) -> None:
    assert expected in refused(f"command:{command}", tmp_path).message


def test_a_program_that_never_ends_is_stopped(tmp_path: Path) -> None:
    ran = run_program(
        [sys.executable, "-c", "import time; time.sleep(600)"], tmp_path, {}, longest=0.1
    )
    assert ran.status is None
    fault = refused("command:x", tmp_path, run=lambda *_: Ran(None, CANARY.encode()))
    assert "longer than 60 seconds" in fault.message


def test_a_program_that_closes_its_output_and_stays_is_stopped(tmp_path: Path) -> None:
    code = "import os,time; os.close(1); time.sleep(600)"
    assert run_program([sys.executable, "-c", code], tmp_path, {}, longest=1).status is None


def test_a_program_that_prints_forever_is_stopped(tmp_path: Path) -> None:
    assert refused(program("while True: print('x' * 999)"), tmp_path).code == "secret-too-large"


def test_what_a_program_prints_is_judged_like_a_file(tmp_path: Path) -> None:
    assert refused(program("pass"), tmp_path).code == "secret-empty"
    code = f"print('{CANARY}'); print('more')"
    assert refused(program(code), tmp_path).code == "secret-not-one-line"


# prompt


def test_the_terminal_is_asked(tmp_path: Path) -> None:
    asked: list[str] = []

    def prompt(question: str) -> str:
        asked.append(question)
        return CANARY

    assert fetched("prompt", tmp_path, prompt=prompt) == CANARY
    assert len(asked) == 1 and KEY in asked[0]


def _end_of_input(question: str) -> str:
    raise EOFError


@pytest.mark.parametrize(
    ("prompt", "code"),
    [
        (None, "secret-no-terminal"),
        (_end_of_input, "secret-no-terminal"),
        (lambda _: "", "secret-empty"),
        (lambda _: CANARY + "\x1b", "secret-not-one-line"),
    ],
)
def test_a_terminal_that_tells_nothing(
    tmp_path: Path, prompt: Callable[[str], str] | None, code: str
) -> None:
    assert refused("prompt", tmp_path, prompt=prompt).code == code


# keyring:


class Keyring(ModuleType):
    """Stands for the library, which would ask the machine's own keyring."""

    def __init__(self, answer: Callable[[str, str], str | None]) -> None:
        super().__init__("keyring")
        self.get_password = answer


def test_an_entry_of_the_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    def answer(service: str, user: str) -> str:
        asked.append((service, user))
        return CANARY

    monkeypatch.setitem(sys.modules, "keyring", Keyring(answer))
    assert fetched("keyring:servicenow-prod/client/secret", tmp_path) == CANARY
    assert asked == [("servicenow-prod", "client/secret")]


def test_a_keyring_that_has_none_or_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", Keyring(lambda *_: None))
    fault = refused("keyring:service/user", tmp_path)
    assert "has no such entry" in fault.message
    assert fault.next == "add it: keyring set service user"

    def locked(service: str, user: str) -> str:
        raise RuntimeError(CANARY)

    monkeypatch.setitem(sys.modules, "keyring", Keyring(locked))
    assert "does not answer (RuntimeError)" in refused("keyring:service/user", tmp_path).message


def test_the_extra_is_named_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    fault = refused("keyring:service/user", tmp_path)
    assert "pip install 'sn-smtp-oauth[keyring]'" in str(fault.next)


def test_the_real_library_is_called_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = pytest.importorskip("keyring")
    from keyring.backends.fail import Keyring as Failing

    before = keyring.get_keyring()
    keyring.set_keyring(Failing())
    try:
        assert "NoKeyringError" in refused("keyring:service/user", tmp_path).message
    finally:
        keyring.set_keyring(before)


# All of them


@pytest.mark.parametrize(
    "source", ["", CANARY, f"vault:{CANARY}", "env:", "file:", "command:", "keyring:x", "prompt:"]
)
def test_what_is_no_source_is_not_repeated(tmp_path: Path, source: str) -> None:
    assert refused(source, tmp_path).code == "secret-source"


@pytest.mark.parametrize(
    ("source", "description"),
    [
        ("env:X", "env:X"),
        ("file:a b", "file:a b"),
        (f"command:pass show {CANARY}", "command:pass"),
        ("prompt", "prompt"),
        ("keyring:service/user", "keyring:service/user"),
    ],
)
def test_a_source_describes_itself(tmp_path: Path, source: str, description: str) -> None:
    made = secret_source(source, directory=tmp_path, variables={"X": CANARY}, prompt=None, key=KEY)
    assert made.description == description
    assert CANARY not in repr(made)


def test_nothing_of_a_run_is_shown() -> None:
    assert CANARY not in repr(Ran(0, CANARY.encode()))
    assert CANARY not in repr(CommandSource(CANARY, Path(), {"x": CANARY}, KEY))


def test_the_keyring_is_loaded_only_when_it_is_asked() -> None:
    assert not hasattr(keyring_source, "keyring")


def test_a_secret_does_not_leave_the_process() -> None:
    secret = Secret(CANARY)
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError) as caught:
            leave(secret)
        assert CANARY not in str(caught.value)
    assert f"{secret} {secret!r} {[secret]}" == "Secret(...) Secret(...) [Secret(...)]"
