"""Two imports of one checkout; an import after the account was activated."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from fault_desk import LAYOUTS, Desk, desk
from fault_packages import Rendered

from generator.errors import ExitCode, Refused
from generator.instance.journal import import_lock
from generator.instance.run import Options

ACCOUNT = "sys_email_account"


def test_two_imports_of_one_checkout_keep_apart(rendered: Rendered) -> None:
    environment, _, _ = rendered("batch")
    with (
        import_lock(environment.directory),
        pytest.raises(Refused),
        import_lock(environment.directory),
    ):
        pass


def _account(made: Desk) -> Mapping[str, str]:
    account = made.package.account
    assert account is not None
    return made.sandbox.database.get(ACCOUNT, account.sys_id) or {}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("resume", [False, True])
def test_a_live_account_stays_live(rendered: Rendered, layout: str, resume: bool) -> None:
    environment, package, _ = rendered(layout)
    made = desk(environment, package)
    assert made.call().code is ExitCode.OK
    sys_id = _account(made)["sys_id"]
    made.sandbox.database.update(ACCOUNT, sys_id, {"active": "true"}, by="admin")
    before = dict(_account(made))
    again = made.call(options=Options(resume=resume))
    assert (again.code, again.codes) == (ExitCode.OK, [])
    assert _account(made) == before
    made.forget()
    assert made.call().code is ExitCode.OK
    assert _account(made) == before
