"""The suite's own cleaning: all of it goes, and what does not is named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from contract_client import Rest, Target, Ui
from contract_scratch import LOCAL_SETS, SETS, UPDATES, Scratch
from contract_sets import SetFile, batch, single

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox


@pytest.fixture
def sandbox(target: Target) -> Iterator[Sandbox]:
    """The sandbox that is asked, as it was afterwards."""
    if target.sandbox is None:
        pytest.skip("spoils the instance on purpose: only the sandbox's")
    yield target.sandbox
    target.sandbox.behaviour.closed_tables = ()
    target.sandbox.behaviour.cicd = "on"


@pytest.fixture
def file(scratch: Scratch, ui: Ui, cicd: None) -> SetFile:
    """A batch that was committed."""
    file = batch(scratch.target.run, now=scratch.target.clock.now())
    scratch.load(ui, file)
    assert scratch.preview(file).state == "2"
    assert scratch.commit(file).state == "2"
    return file


@pytest.mark.parametrize("cicd_api", ["on", "inactive"])
def test_what_was_committed_is_removed(
    sandbox: Sandbox, scratch: Scratch, rest: Rest, file: SetFile, cicd_api: str
) -> None:
    sandbox.behaviour.cicd = cicd_api
    assert scratch.clean() == []
    for record in file.records:
        assert rest.row(record.table, record.sys_id) is None
        assert rest.count(UPDATES, f"name={record.name}") == 0
    for member in file.members:
        assert rest.row(SETS, member.sys_id) is None
        assert rest.count(LOCAL_SETS, f"name={member.name}") == 0


def test_what_cannot_be_removed_is_named(
    sandbox: Sandbox, scratch: Scratch, rest: Rest, ui: Ui
) -> None:
    file = single(scratch.target.run, now=scratch.target.clock.now())
    scratch.load(ui, file)
    sys_id = scratch.insert("oauth_entity", {"name": file.name, "type": "oauth_provider"})
    sandbox.behaviour.closed_tables = "oauth_entity"
    left = scratch.clean()
    sandbox.behaviour.closed_tables = ()
    scratch.forget_later("oauth_entity", sys_id)
    assert left == [f"oauth_entity {sys_id}"]
    assert scratch.row(file) is None
