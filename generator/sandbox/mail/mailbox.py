"""Messages that the stand-in took: what a test may know of each, and a mailbox for a person.

Of a message only addresses, subject, size and a digest stay in memory. With a directory the whole
message is kept there as well, in a Maildir that any mail program reads.
"""

from __future__ import annotations

import email
import hashlib
import mailbox
import re
import threading
from dataclasses import dataclass
from datetime import datetime
from email.header import decode_header, make_header
from email.message import Message as MimeMessage
from email.utils import parseaddr
from pathlib import Path

MOST_MESSAGES = 10_000
_MARKER = re.compile(r"\[([A-Za-z0-9-]{8,64})\]")
"""`generator.integration.app_api.MARKER_PATTERN`, in square brackets."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message that was taken at the end of DATA; never its body."""

    mail_from: str
    """Envelope sender."""

    recipients: tuple[str, ...]
    """Envelope recipients."""

    from_address: str
    """Address of the header `From`."""

    subject: str
    marker: str
    """What stands in square brackets in the subject; empty if nothing does."""

    size: int
    """Bytes."""

    digest: str
    """SHA-256 of the message."""

    received_at: datetime


class Mailbox:
    """What was taken; any thread may."""

    def __init__(self, directory: Path | None = None) -> None:
        """Args: directory: Keeps whole messages there, as a Maildir of the owner's alone."""
        self.path = None if directory is None else directory.absolute() / "mailbox"
        """The Maildir."""

        self._messages: list[Message] = []
        self._lock = threading.Lock()

    @property
    def messages(self) -> list[Message]:
        """The messages, oldest first; a new list."""
        with self._lock:
            return list(self._messages)

    def take(
        self, content: bytes, *, mail_from: str, recipients: tuple[str, ...], at: datetime
    ) -> Message:
        """Take a message.

        Args:
            content: The message as it was sent.
            mail_from: Envelope sender.
            recipients: Envelope recipients.
            at: The present moment.

        Raises:
            OSError: The directory cannot be written.
        """
        found = email.message_from_bytes(content)
        subject = _text(found, "Subject")
        marker = _MARKER.search(subject)
        message = Message(
            mail_from,
            recipients,
            from_address(content),
            subject,
            marker.group(1) if marker else "",
            len(content),
            hashlib.sha256(content).hexdigest(),
            at,
        )
        with self._lock:
            self._messages.append(message)
            del self._messages[:-MOST_MESSAGES]
            if self.path is not None:
                _keep(content, self.path)
        return message


def _keep(content: bytes, path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The library makes a directory of its owner's alone.
    mailbox.Maildir(path, create=True).add(content)


def from_address(content: bytes) -> str:
    """Address of the header `From` of a message; empty if there is none."""
    return parseaddr(_text(email.message_from_bytes(content), "From"))[1]


def _text(message: MimeMessage, name: str) -> str:
    """A header in one line, decoded as far as it can be."""
    value = message.get(name, "")
    try:
        found = str(make_header(decode_header(value)))
    except (ValueError, LookupError):
        found = str(value)
    return " ".join(found.split())
