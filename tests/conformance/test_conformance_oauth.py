"""Each rendered OAuth record against every real one of its table.

Same order of elements, same attributes, no column that a real record lacks; and every value that
differs from a real one stands in `DIFFERENCES` with the reason, which names the section of
`spec/records.md`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from lxml import etree

from generator.config.environment import Layout
from generator.update_set.reader import read_unload

pytestmark = pytest.mark.conformance

RenderSets = Callable[..., list[Path]]

OMITTED = {"oauth_entity": {"client_secret"}}
"""Columns that all real records have and ours lacks: a secret never enters a file (3.3)."""

SYS_ID = "[0-9a-f]{32}"
TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}"


@dataclass(frozen=True)
class Difference:
    """A value that may differ from a real one."""

    ours: str
    """Pattern of what ours is."""

    reason: str
    """Why, with the section of `spec/records.md`."""

    theirs: frozenset[str] | None = None
    """What the real records that differ hold; None where each real record has its own value."""


def constant(ours: str, *theirs: str, reason: str) -> Difference:
    return Difference(re.escape(ours), reason, frozenset(theirs))


SYSTEM = {
    "sys_created_by": Difference("admin", "configured (2.2)"),
    "sys_created_on": Difference(TIME, "from the package history (2.2)"),
    "sys_id": Difference(SYS_ID, "derived (2.2)"),
    "sys_mod_count": Difference("0", "counted by the package history (2.2)"),
    "sys_package": Difference("global", "the mail chain is global (2.2)"),
    "sys_scope": Difference("global", "the mail chain is global (2.2)"),
    "sys_update_name": Difference(rf"oauth_\w+_{SYS_ID}", "<table>_<sys_id> (2.2)"),
    "sys_updated_by": Difference("admin", "configured (2.2)"),
    "sys_updated_on": Difference(TIME, "from the package history (2.2)"),
}

GRANT = "client credentials is the grant of the mail chain (3.1, 4)"
CLIENT = "ours is a provider; this real one is an inbound client (3.1)"

DIFFERENCES: dict[str, dict[str, Difference]] = {
    "oauth_entity": {
        **SYSTEM,
        "sys_name": Difference("Exchange Online SMTP", "equal to name (2.2)"),
        "name": Difference("Exchange Online SMTP", "configured (3.1)"),
        "client_id": Difference("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "configured (3.1)"),
        "client_uuid": Difference(SYS_ID, "unique per record (3.1)"),
        "comments": Difference("", "configured (3.1)"),
        "redirect_url": Difference(
            r"https://[a-z0-9.-]+/oauth_redirect\.do", "pins one instance (3.1)"
        ),
        "token_url": Difference(
            r"https://login\.microsoftonline\.com/[0-9a-f-]{36}/oauth2/v2\.0/token",
            "the tenant's own endpoint (3.1)",
        ),
        "auth_url": Difference("", "this grant has no authorisation step (3.1)"),
        "default_grant_type": constant(
            "client_credentials", "authorization_code", "password", reason=GRANT
        ),
        "code_challenge_method": constant("S256", "", reason="empty in 2017 (3.1)"),
        "access_token_lifespan": constant("1800", "300", reason="15 of 16 hold ours (3.1)"),
        "logo_url": Difference("", "15 of 16 hold ours (3.1)"),
        "type": constant("oauth_provider", "client", reason=CLIENT),
        "auth_code_lifespan": constant("0", "60", reason=CLIENT),
        "id_token_lifespan": constant("0", "86400", reason=CLIENT),
        "message_signature_lifespan": constant("0", "60", reason=CLIENT),
        "public_client": constant("false", "true", reason=CLIENT),
        "salt": constant("0", "", reason=CLIENT),
        "user": Difference("", CLIENT),
    },
    "oauth_entity_profile": {
        **SYSTEM,
        "sys_name": Difference("Exchange Online SMTP default_profile", "equal to name (2.2)"),
        "name": Difference("Exchange Online SMTP default_profile", "from the entity's name (4)"),
        "oauth_entity": Difference(SYS_ID, "refers to our entity (4)"),
        "grant_type": constant("client_credentials", "authorization_code", reason=GRANT),
    },
    "oauth_entity_scope": {
        **SYSTEM,
        "sys_name": Difference("smtp", "equal to name (2.2)"),
        "name": Difference("smtp", "the documented name (5)"),
        "oauth_entity": Difference(SYS_ID, "refers to our entity (5)"),
        "oauth_entity_scope": Difference(
            r"https://outlook\.office365\.com/\.default", "the scope of the cloud (5)"
        ),
    },
    "oauth_entity_profile_scope": {
        **SYSTEM,
        "sys_name": Difference(SYS_ID, "the profile's sys_id (6)"),
        "oauth_entity_profile": Difference(SYS_ID, "refers to our profile (6)"),
        "oauth_entity_scope": Difference(SYS_ID, "refers to our scope (6)"),
    },
}

Records = dict[str, list[etree._Element]]


@pytest.fixture
def ours(render_sets: RenderSets) -> dict[str, etree._Element]:
    """Our record of each OAuth table."""
    base = render_sets(layout=Layout.SEPARATE)[0]
    payloads = [etree.fromstring(row.payload.encode()) for row in read_unload(base).updates]
    return {root[0].tag: root for root in payloads if root[0].tag.startswith("oauth_")}


@pytest.fixture
def real(shared: Path) -> Records:
    """The real records of each OAuth table."""
    return {
        table: [
            etree.parse(path).getroot()
            for path in sorted((shared / "corpus/oauth" / table).glob("*.xml"))
        ]
        for table in DIFFERENCES
    }


def attributes(field: etree._Element) -> tuple[str, ...]:
    return tuple(map(str, field.attrib))


def values(root: etree._Element) -> dict[str, str]:
    return {field.tag: field.text or "" for field in root[0]}


def test_there_is_one_of_each(ours: dict[str, etree._Element], real: Records) -> None:
    assert set(ours) == set(DIFFERENCES)
    assert all(len(found) >= 4 for found in real.values())


@pytest.mark.parametrize("table", DIFFERENCES)
def test_same_frame(ours: dict[str, etree._Element], real: Records, table: str) -> None:
    for theirs in real[table]:
        assert dict(ours[table].attrib) == dict(theirs.attrib) == {"table": table}
        assert len(ours[table]) == len(theirs) == 1
        assert attributes(ours[table][0]) == attributes(theirs[0]) == ("action",)


@pytest.mark.parametrize("table", DIFFERENCES)
def test_same_columns_in_the_same_order(
    ours: dict[str, etree._Element], real: Records, table: str
) -> None:
    own = [field.tag for field in ours[table][0]]
    columns = [[field.tag for field in theirs[0]] for theirs in real[table]]
    for found in columns:
        assert [name for name in found if name in own] == own
    in_all = set.intersection(*map(set, columns))
    assert in_all - set(own) == OMITTED.get(table, set())


@pytest.mark.parametrize("table", DIFFERENCES)
def test_same_attributes(ours: dict[str, etree._Element], real: Records, table: str) -> None:
    seen: dict[tuple[str, bool], set[tuple[str, ...]]] = {}
    for theirs in real[table]:
        for field in theirs[0]:
            seen.setdefault((field.tag, bool(field.text)), set()).add(attributes(field))
    for field in ours[table][0]:
        forms = seen.get((field.tag, bool(field.text)))
        # A column that is filled in no real record bears nothing but its name.
        assert forms in ({attributes(field)}, None), field.tag
        assert forms is not None or not field.attrib, field.tag


@pytest.mark.parametrize("table", DIFFERENCES)
def test_every_difference_in_values_has_a_reason(
    ours: dict[str, etree._Element], real: Records, table: str
) -> None:
    own = values(ours[table])
    for theirs in real[table]:
        for name, value in values(theirs).items():
            if name not in own or own[name] == value:
                continue
            allowed = DIFFERENCES[table].get(name)
            where = (name, own[name], value)
            assert allowed is not None, where
            assert re.fullmatch(allowed.ours, own[name]), (*where, allowed.reason)
            assert allowed.theirs is None or value in allowed.theirs, (*where, allowed.reason)


def test_no_difference_is_allowed_in_vain(ours: dict[str, etree._Element], real: Records) -> None:
    used = {
        (table, name)
        for table, found in real.items()
        for theirs in found
        for name, value in values(theirs).items()
        if values(ours[table]).get(name, value) != value
    }
    vain = {(table, name) for table, allowed in DIFFERENCES.items() for name in allowed} - used
    assert {name for _, name in vain} <= set(SYSTEM)
    assert {name for _, name in used} >= set(SYSTEM)
