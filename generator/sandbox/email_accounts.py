"""Only one active SMTP account: the older one is switched off (`spec/instance-http.md` B3.17).

[DOC] c_EmailAccounts.md for the rule; when the other goes off is inferred: for one more request
both may read as active [INF] C18.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from generator.sandbox.database import Row

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

ACCOUNTS = "sys_email_account"

_WAITING: WeakKeyDictionary[Sandbox, tuple[str, int]] = WeakKeyDictionary()
"""The account that was activated last, and how many looks still see both."""


def activated(sandbox: Sandbox, row: Row) -> None:
    """An account was written over REST; the others go off after the next look."""
    if row.get("active") == "true" and row.get("type") == "smtp":
        settle(sandbox)
        _WAITING[sandbox] = (row["sys_id"], 1)


def looked_at_accounts(sandbox: Sandbox) -> None:
    """Somebody is about to read the accounts."""
    account, left = _WAITING.get(sandbox, ("", 0))
    if not account:
        return
    if left:
        _WAITING[sandbox] = (account, left - 1)
    else:
        settle(sandbox)


def settle(sandbox: Sandbox) -> None:
    """Switch off what should be off by now."""
    account, _ = _WAITING.pop(sandbox, ("", 0))
    row = sandbox.database.get(ACCOUNTS, account) if account else None
    if row is None or row.get("active") != "true":
        return
    for other in sandbox.database.query(ACCOUNTS, "type=smtp^active=true"):
        if other["sys_id"] != account:
            sandbox.database.update(ACCOUNTS, other["sys_id"], {"active": "false"}, by="system")
