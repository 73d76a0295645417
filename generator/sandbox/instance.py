"""The sandbox itself: data, switches, and a WSGI application that answers as an instance.

with Sandbox() as sandbox:          # a server on 127.0.0.1, free port
    sandbox.url, sandbox.admin_user, sandbox.admin_password

session.mount(url, Sandbox().adapter())    # in-process, for tests
"""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from generator.clock import Clock, SystemClock
from generator.sandbox.behaviour import Behaviour
from generator.sandbox.data_directory import DataDirectory
from generator.sandbox.database import Database
from generator.sandbox.dictionary import Dictionary
from generator.sandbox.dispatch import Dispatcher
from generator.sandbox.door import Door
from generator.sandbox.follow import follow
from generator.sandbox.instance_mail import InstanceMail
from generator.sandbox.seed import seed as fill
from generator.sandbox.wire import Wire

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from generator.sandbox.adapter import SandboxAdapter
    from generator.sandbox.mail.stand_in import MailSandbox
    from generator.sandbox.serving import Serving

LINES_KEPT = 10_000
"""Lines of the log that are kept."""


class Sandbox:
    """One imitated instance."""

    def __init__(
        self,
        *,
        name: str = "sandbox",
        behaviour: Behaviour | None = None,
        clock: Clock | None = None,
        data: Path | None = None,
        seed: int = 0,
        admin_user: str = "admin",
        admin_password: str | None = None,
        on_line: Callable[[str], None] | None = None,
        mail: MailSandbox | None = None,
    ) -> None:
        """Make an instance with its base data.

        Args:
            name: Its `instance_name`.
            behaviour: Switches; the default is a healthy developer instance.
            clock: Time; a `SteppedClock` makes runs reproducible.
            data: Directory that keeps the data; None keeps it in memory.
            seed: For every random value but the password.
            admin_user: Name of the first user.
            admin_password: That user's password; a random one by default.
            on_line: Told of each line of the log.
            mail: Stand-ins of the token endpoint and the SMTP server that it reaches, the
                caller's to start and stop; without them it reaches none.

        Raises:
            UsageError: The directory cannot be had, or another sandbox has it.
        """
        self.name = name
        self.behaviour = behaviour or Behaviour()
        self.clock: Clock = clock or SystemClock()
        self.random = Random(seed)  # noqa: S311 - reproducible ids, no secrets
        self.admin_user = admin_user
        self.admin_password = admin_password or secrets.token_urlsafe(18)
        self.log: deque[str] = deque(maxlen=LINES_KEPT)
        """What happened, a line each; never a header, a body or a secret."""

        self.unsupported: list[str] = []
        """Requests that no route answers, with what came nearest."""

        self.dictionary = Dictionary()
        self._kept = None if data is None else DataDirectory(data)
        self.database = Database(
            None if self._kept is None else self._kept.database,
            dictionary=self.dictionary,
            clock=self.clock,
            randomness=self.random,
        )
        self.door = Door(self.behaviour, clock=self.clock, random=self.random)
        self.sessions = self.door.sessions
        self.mail_side = InstanceMail(mail)
        self.secure = False
        """Whether it is served with TLS."""

        self._on_line = on_line
        self._log_lock = threading.Lock()
        self._serving: Serving | None = None
        self.dispatcher = Dispatcher(self)
        self.wire = Wire(
            self.dispatcher.wsgi,
            behaviour=self.behaviour,
            clock=self.clock,
            # Outages come by chance of their own: they must not depend on how many ids were made.
            random=Random(f"{seed}/502"),  # noqa: S311
            follow=self.follow,
        )
        fill(self)
        self.follow()

    def follow(self) -> None:
        """Let the data follow the switches; called before the next request after a change."""
        self.dictionary.hide(
            *((table, column) for table, _, column in self.missing_columns() if column)
        )
        follow(self)

    def missing_columns(self) -> Iterable[tuple[str, str, str]]:
        """Table, dot and column of what the switches take away."""
        for given in self.behaviour.missing_columns:
            yield given.partition(".")
        if self.behaviour.email_oauth_plugin == "inactive":
            yield "sys_email_account", ".", "oauth_profile"  # [PLAT]

    @property
    def mail(self) -> MailSandbox | None:
        """The stand-ins of token endpoint and SMTP server, if there are any."""
        return self.mail_side.stand_ins

    def say(self, line: str) -> None:
        """Write a line to the log; control characters are made visible."""
        clean = line.encode("unicode_escape", "backslashreplace").decode("ascii")
        with self._log_lock:
            self.log.append(clean)
        if self._on_line is not None:
            self._on_line(clean)

    def wsgi(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request (WSGI), with every fault that the switches ask for."""
        return self.wire.serve(environ, start_response)

    def adapter(self) -> SandboxAdapter:
        """A transport for `requests` that calls the sandbox in this process."""
        from generator.sandbox.adapter import SandboxAdapter

        return SandboxAdapter(self.wsgi)

    def start(self, *, port: int = 0, ssl_context: ssl.SSLContext | None = None) -> str:
        """Serve on 127.0.0.1 in a thread.

        Args:
            port: 0 takes a free one.
            ssl_context: Serves with TLS.

        Returns:
            The URL.
        """
        from generator.sandbox.serving import Serving

        if self._serving is not None:
            raise RuntimeError("the sandbox is served already")
        self.secure = ssl_context is not None
        self._serving = Serving(self.wsgi, port=port, ssl_context=ssl_context)
        return self.url

    @property
    def url(self) -> str:
        """Where it is served."""
        if self._serving is None:
            raise RuntimeError("the sandbox is not served; start it first")
        return self._serving.url

    def stop(self) -> None:
        """Stop serving; the data stays."""
        if self._serving is not None:
            self._serving.stop()
            self._serving = None

    def close(self) -> None:
        """Stop serving and let go of the data."""
        self.stop()
        self.database.close()
        if self._kept is not None:
            self._kept.close()

    def __enter__(self) -> Sandbox:
        """Serve on a free port."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop and let go."""
        self.close()
