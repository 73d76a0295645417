"""Every public error, and the exit codes.

    GeneratorError
    ├── UsageError              2  a wrong call, resolvable by a right one
    │   ├── ConfigError         2  with file, line and path inside the file
    │   └── UnreadableError     2  a file that is no update set export, or a broken one
    ├── RemoteError             1  an instance did not clearly answer; names request and status
    │   ├── AuthenticationError 1  it does not know us, or not well enough
    │   ├── NetworkError        1  no answer, or none of an instance (hibernating, outage)
    │   ├── ResponseError       1  an answer that is not what was asked for (HTML, cut JSON)
    │   └── OutcomeUnknown      1  a change was sent and its answer lost: read before going on
    ├── PreviewProblems         4  problems of a preview that nobody resolved
    ├── VerificationFailed      6  something did not arrive, or could not be proven
    ├── Refused                 7  a guard said no; nothing was changed
    └── InternalError           1  a bug, or a file system that said no

Every error is one or more `Fault`s: what is wrong, where, and the next step. One function in
`generator.cli` turns errors into exit codes; nothing else ends the process.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What the process says with its exit status; fixed, new meanings get new numbers."""

    OK = 0
    """Done, and proved as far as the command promises."""

    FAILED = 1
    """Remote or internal failure: the answer is unknown."""

    USAGE = 2
    """Usage or configuration."""

    FINDINGS = 3
    """Lint findings at or above the chosen severity."""

    PREVIEW_PROBLEMS = 4
    """Preview problems left unresolved."""

    DIFFERS = 5
    """Drift, or `--check` found stale output."""

    VERIFICATION_FAILED = 6
    """Verification failed, or something of a commit did not arrive."""

    REFUSED = 7
    """Refused by a guard: nothing was changed."""

    INTERRUPTED = 130
    """Interrupted by the user."""


EXIT_CODES: tuple[tuple[ExitCode, str], ...] = (
    (ExitCode.OK, "done, and proved as far as the command promises"),
    (ExitCode.FAILED, "remote or internal failure: the answer is unknown"),
    (ExitCode.USAGE, "usage or configuration"),
    (ExitCode.FINDINGS, "lint findings at or above the chosen severity"),
    (ExitCode.PREVIEW_PROBLEMS, "preview problems left unresolved"),
    (ExitCode.DIFFERS, "differs: drift, or --check found stale output"),
    (ExitCode.VERIFICATION_FAILED, "verification failed, or something of a commit did not arrive"),
    (ExitCode.REFUSED, "refused by a guard: nothing was changed"),
    (ExitCode.INTERRUPTED, "interrupted by the user"),
)
"""Each code and its meaning, as `--help` and the README print them."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, where it is, and what to do next."""

    code: str
    """Stable identifier, lower case with hyphens: `unknown-key`."""

    message: str
    """What is wrong and what is accepted; one sentence or two, never a secret."""

    file: str | None = None
    """The file as the user named it."""

    line: int | None = None
    """Line in the file, from 1."""

    path: str | None = None
    """Path inside the file: `email_account.port`."""

    next: str | None = None
    """The next step for the user."""

    def __str__(self) -> str:
        """`file:line: path: message Next: step`, as far as known."""
        where = self.file or ""
        if where and self.line is not None:
            where += f":{self.line}"
        parts = [part for part in (where, self.path) if part]
        text = ": ".join([*parts, self.message])
        return f"{text} Next: {self.next}" if self.next else text


class GeneratorError(Exception):
    """Base of every error that this project raises on purpose."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED

    def __init__(self, *faults: Fault) -> None:
        """Args: faults: At least one; all that were found, not only the first."""
        if not faults:
            raise ValueError("an error needs at least one fault")
        self.faults: tuple[Fault, ...] = faults
        super().__init__("\n".join(str(fault) for fault in faults))

    @classmethod
    def of(
        cls,
        code: str,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        path: str | None = None,
        next: str | None = None,
    ) -> GeneratorError:
        """The error of a single fault."""
        return cls(Fault(code, message, file=file, line=line, path=path, next=next))


class UsageError(GeneratorError):
    """A wrong call, resolvable by a right one."""

    exit_code = ExitCode.USAGE


class ConfigError(UsageError):
    """The files that the user wrote, or what Azure handed over, cannot be accepted."""


class UnreadableError(UsageError):
    """The file is not an update set export that can be read."""


class RemoteError(GeneratorError):
    """An instance did not clearly answer; whatever was asked, the answer is not yes.

    Its faults say step, method and path, status, `X-Transaction-ID` and the platform's own text;
    never a header or body that was sent.
    """

    def __init__(
        self,
        *faults: Fault,
        status: int | None = None,
        detail: str = "",
    ) -> None:
        """Args: faults: What went wrong. status: HTTP status. detail: The platform's own text."""
        super().__init__(*faults)
        self.status = status
        self.detail = detail


class AuthenticationError(RemoteError):
    """The instance does not know us, or this user may not do it."""


class NetworkError(RemoteError):
    """Nothing answered, or nothing that is an awake instance."""


class ResponseError(RemoteError):
    """An answer that is not what was asked for: HTML, cut or unexpected JSON, an error body."""


class OutcomeUnknown(RemoteError):
    """A change was sent and its answer was lost or ambiguous; it may stand."""


class PreviewProblems(GeneratorError):
    """A preview found problems that no rule of the user's resolves; nothing was committed."""

    exit_code = ExitCode.PREVIEW_PROBLEMS


class VerificationFailed(GeneratorError):
    """Something did not arrive on the instance, or could not be proven to have."""

    exit_code = ExitCode.VERIFICATION_FAILED


class Refused(GeneratorError):
    """A guard said no; nothing was changed."""

    exit_code = ExitCode.REFUSED


class InternalError(GeneratorError):
    """A bug, or the machine (disk, permissions) failed; the answer is unknown."""

    exit_code = ExitCode.FAILED
