"""The port: what the importer asks of an instance, and what it may conclude from an answer.

`generator.instance.http_instance.HttpInstance` is the adapter; it knows HTTP and nothing of the
importer. Every method sends at least one request, raises `RemoteError` (or one of its kinds) where
the instance did not clearly answer, and never repeats what changes something.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeAlias

from generator.errors import RemoteError

Row: TypeAlias = Mapping[str, str]
"""One record as the Table API gives it: stored values, references as bare sys_ids."""


@dataclass(frozen=True, slots=True)
class Read:
    """One query of the Table API, or a count."""

    table: str
    query: str = ""
    """Encoded query; only columns that the table has: an unknown one is dropped silently."""

    fields: tuple[str, ...] = ("sys_id",)
    limit: int = 1000
    offset: int = 0
    count_only: bool = False
    """Whether only the number of rows is wanted (`/api/now/stats`)."""


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one read: rows and their number, or why there are none."""

    rows: tuple[Row, ...] = ()
    total: int = 0
    """Number of rows that match, also beyond the limit."""

    error: RemoteError | None = None
    """Set where the instance refused this one read (403, 404, 400); the others stand."""


class Route(StrEnum):
    """The two ways to preview, commit and back out."""

    CICD = "cicd"
    XMLHTTP = "xmlhttp"


class Work(StrEnum):
    """What an instance does in the background."""

    PREVIEW = "preview"
    COMMIT = "commit"
    BACK_OUT = "back_out"


@dataclass(frozen=True, slots=True)
class Operation:
    """Work that an instance has begun."""

    work: Work
    route: Route
    id: str
    """Progress id or execution tracker, 32 hex."""


class Stage(StrEnum):
    """How far an operation is (`spec/instance-http.md` A13)."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ProgressState:
    """One look at an operation. Evidence, never proof: the records are."""

    stage: Stage
    percent: int | None
    message: str
    """The platform's own text."""

    has_preview_problem: bool = False

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen; an unknown state counts as an end (A13)."""
        return self.stage not in (Stage.PENDING, Stage.RUNNING)


class Cicd(StrEnum):
    """Whether the CI/CD API can be used (A5)."""

    USABLE = "usable"
    INACTIVE = "inactive"
    NO_ROLE = "no_role"
    UNKNOWN = "unknown"


class Publication(StrEnum):
    """What came of publishing an action (A19)."""

    PUBLISHED = "published"
    REFUSED = "refused"
    ABSENT = "absent"
    """The endpoint is not there: publish by hand in Workflow Studio."""


@dataclass(frozen=True, slots=True)
class AppAnswer:
    """What an application's own REST resource answered, understood or refused alike."""

    status: int
    """HTTP status; below 300 the resource served the call."""

    result: Mapping[str, object]
    """The object under `result`, empty where there is none."""

    message: str = ""
    """`error.message` and `error.detail` of a refusal."""


class Instance(Protocol):
    """A ServiceNow instance."""

    @property
    def url(self) -> str:
        """`https://host` requests go to."""

    @property
    def requests(self) -> int:
        """How many requests were sent so far, repeated ones included."""

    def check_awake(self) -> None:
        """Ask without credentials whether an instance answers (A2).

        Raises:
            NetworkError, ResponseError: It hibernates, has no node, or something else answers.
        """

    def read(self, reads: Sequence[Read]) -> tuple[Found, ...]:
        """Several reads at once, through the batch API where it serves them.

        Raises:
            RemoteError: Nothing can be said at all (network, credentials, outage).
        """

    def insert(self, table: str, values: Mapping[str, str]) -> str:
        """Create a record; its sys_id (the one in `values`, if given)."""

    def update(self, table: str, sys_id: str, values: Mapping[str, str]) -> None:
        """Change some fields of a record (PATCH, stored values)."""

    def write_secret(self, table: str, sys_id: str, column: str, secret: str) -> None:
        """Write one secret column and nothing else (A17); the answer's body is suppressed."""

    def delete(self, table: str, sys_id: str) -> None:
        """Delete a record; one that is not there is no error."""

    def check_upload(self) -> None:
        """Open a UI session and see the upload form (A4).

        Raises:
            AuthenticationError: None of the ways opened one; says what each way answered, and
                which auth could.
        """

    def upload(self, path: Path, *, set_sys_id: str) -> None:
        """Send an update set file, streaming; a success proves nothing (A6)."""

    def probe_cicd(self) -> Cicd:
        """Whether the CI/CD update set calls can be used (A5)."""

    def preview(self, set_sys_id: str, *, batch: bool, route: Route) -> Operation:
        """Begin a preview; `batch` where the set is the base of one."""

    def commit(self, set_sys_id: str, *, batch: bool, route: Route) -> Operation:
        """Begin a commit. Never repeated: after an error read the state."""

    def back_out(self, local_set_sys_id: str, *, route: Route) -> Operation:
        """Begin to back a local update set out. Never repeated."""

    def choose_update_set(self, sys_id: str) -> None:
        """Make a local update set the current one of the user who opens the UI session (A11).

        Raises:
            RemoteError: It cannot be chosen, or the answer is not clear; the user's preference
                `sys_update_set` tells.
        """

    def progress(self, operation: Operation) -> ProgressState:
        """One look at an operation."""

    def publish_action(self, action_sys_id: str, *, scope_sys_id: str) -> Publication:
        """Publish one Flow Designer action (A19)."""

    def call_app(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, str] | None = None,
    ) -> AppAnswer:
        """Call a Scripted REST resource of an application; a POST is never repeated.

        Args:
            method: `GET` or `POST`.
            path: From `/api/` on.
            query: Parameters of the address.
            body: Object to send as JSON.

        Raises:
            RemoteError: No clear answer in JSON came. A refusal in JSON (400, 403, 404) is an
                answer.
        """

    def server_time(self) -> datetime | None:
        """The instance's clock, from the last answer's `Date`; None if it had none."""

    def close(self) -> None:
        """End the UI session (`/logout.do`) and all connections."""
