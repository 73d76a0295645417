"""The SMTP server: a loop of its own in a thread, loopback only."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING
from weakref import WeakSet

from generator.sandbox.serving import HOST

if TYPE_CHECKING:
    from generator.sandbox.mail.stand_in import MailSandbox

_LONGEST_STOP = 10.0


class SmtpServer:
    """A running server."""

    def __init__(self, mail: MailSandbox, *, implicit: bool, port: int = 0) -> None:
        """Serve in a thread.

        Args:
            mail: The stand-in.
            implicit: Whether connections have TLS from the start.
            port: 0 takes a free one.

        Raises:
            OSError: The port is taken.
        """
        from generator.sandbox.mail.smtp_session import SmtpSession

        self._transports: WeakSet[asyncio.BaseTransport] = WeakSet()
        self._loop = asyncio.new_event_loop()
        # A client that goes away in the middle of a reply is nothing to report.
        self._loop.set_exception_handler(lambda _loop, _context: None)

        def protocol() -> SmtpSession:
            context = mail.smtp_context()
            return SmtpSession(mail, context=context, implicit=implicit, loop=self._loop)

        try:
            self._server = self._loop.run_until_complete(
                self._loop.create_server(
                    protocol, HOST, port, ssl=mail.smtp_context() if implicit else None
                )
            )
        except BaseException:
            self._loop.close()
            raise
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._run, name="sandbox-smtp", daemon=True)
        self._thread.start()

    def opened(self, transport: asyncio.BaseTransport) -> None:
        """A connection began; it is broken when the server stops."""
        self._transports.add(transport)

    def stop(self) -> None:
        """Break all connections, stop, and wait until it has stopped."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_LONGEST_STOP)

    def _run(self) -> None:
        loop = self._loop
        try:
            loop.run_forever()
            self._server.close()
            for transport in list(self._transports):
                if isinstance(transport, asyncio.Transport):
                    transport.abort()
            loop.run_until_complete(self._end())
        finally:
            loop.close()

    async def _end(self) -> None:
        # Connections notice that they were broken, then what still runs is ended.
        await asyncio.sleep(0)
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)
