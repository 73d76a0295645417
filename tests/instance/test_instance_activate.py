"""The cut-over against an instance and stand-ins for Entra and Exchange, all in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from activating import Stage, stage

from generator.config.environment import Environment
from generator.errors import ExitCode

Make = Callable[..., Environment]


@pytest.fixture
def ready(environment: Make) -> Iterator[Stage]:
    """Imported, not yet active."""
    with stage(environment()) as made:
        yield made


def test_our_account_sends_and_a_message_proves_it(ready: Stage) -> None:
    came = ready.activate()
    assert (came.code, came.faults) == (ExitCode.OK, ())
    assert ready.active() == {"Exchange Online SMTP"}
    (message,) = ready.mail.messages
    assert ready.result.test is not None
    assert message.marker == ready.result.test.marker
    assert message.recipients == ("servicenow@contoso.example",)
    assert ready.result.line == "email_account: {live: true}"
    assert ready.events() == ["begun", "switched", "testing", "proven"]
    assert [entry.name for entry in ready.result.before or ()] == ["ServiceNow SMTP"]
    assert any("live: true" in note for note in came.report.notes)
