"""The test message: plainly one, traceable by its marker, and the same each time but for that."""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from generator.integration.app_api import ADDRESS_PATTERN
from generator.mail.settings import MailSettings

_ADDRESS = re.compile(ADDRESS_PATTERN, re.ASCII)
_TEXT = """\
This is a test message of sn-smtp, sent to prove that mail leaves through this mailbox
with OAuth 2.0. Nothing has to be done about it.

Marker: {marker}
"""


def new_marker() -> str:
    """A marker that no other message has: 16 hex digits."""
    return secrets.token_hex(8)


def is_address(text: str) -> bool:
    """Whether a text is one address, of ASCII, that a test message can go to."""
    return _ADDRESS.fullmatch(text) is not None


def build_message(
    settings: MailSettings, *, recipient: str, marker: str, now: datetime
) -> EmailMessage:
    """A test message.

    Args:
        settings: From is theirs.
        recipient: Who gets it.
        marker: Stands in the subject, in square brackets, and in the Message-ID.
        now: For `Date`, aware.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = settings.from_address
    message["To"] = recipient
    message["Subject"] = f"[{marker}] Test message of sn-smtp verify"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{marker}@{settings.from_address.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_TEXT.format(marker=marker))
    return message
