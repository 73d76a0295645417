"""Encoded queries: each operator, and what an instance does with nonsense."""

import random
from contextlib import closing
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.clock import SteppedClock
from generator.sandbox.database import Database
from generator.sandbox.dictionary import Dictionary
from generator.sandbox.query import OPERATORS, Invalid, Related, Term, parse

NOW = datetime(2026, 3, 12, 10, 0, tzinfo=UTC)


def seeded(seed):
    return random.Random(seed)  # noqa: S311 - ids that tests can repeat


DICTIONARY = Dictionary()
USER = {"sys_id": "9" * 32, "user_name": "u3"}
ROWS = (
    # user_name, name, email, title, failed_attempts, active, manager
    ("u1", "Ann Able", "ann@example.com", "Ann Able", "2", "true", ""),
    ("u2", "Bea Best", "bea@example.org", "", "10", "false", "1"),
    ("u3", "Cid, Carl", "", "Boss", "", "true", "2"),
)


def empty_database():
    return Database(None, dictionary=DICTIONARY, clock=SteppedClock(NOW), randomness=seeded(1))


@pytest.fixture(scope="module")
def database():
    made = Database(None, dictionary=Dictionary(), clock=SteppedClock(NOW), randomness=seeded(1))
    columns = ("user_name", "name", "email", "title", "failed_attempts", "active", "manager")
    for number, values in enumerate(ROWS, 1):
        row = dict(zip(columns, values, strict=True))
        row["manager"] = row["manager"] and row["manager"] * 32
        made.insert("sys_user", row, by="t", sys_id=str(number) * 32)
    role = made.insert("sys_user_role", {"name": "admin"}, by="t")
    for user in ("1", "1", "2"):
        made.insert("sys_user_has_role", {"user": user * 32, "role": role["sys_id"]}, by="t")
    yield made
    made.close()


def found(database, query, **options):
    rows = database.query("sys_user", query, user=USER, **options)
    assert database.count("sys_user", query, user=USER) == len(rows) or options
    return [row["user_name"] for row in rows]


CASES = {
    "user_name=u1": ["u1"],
    "user_name=U1": ["u1"],
    "user_name!=u1": ["u2", "u3"],
    "email!=ann@example.com": ["u2", "u3"],
    "email=": ["u3"],
    "email!=": ["u1", "u2"],
    "user_nameINu1,u3": ["u1", "u3"],
    "user_nameNOT INu1,u3": ["u2"],
    "nameLIKEable": ["u1"],
    "nameNOT LIKEable": ["u2", "u3"],
    "nameCONTAINSbest": ["u2"],
    "nameDOES NOT CONTAINbest": ["u1", "u3"],
    "emailSTARTSWITHann@": ["u1"],
    "emailENDSWITH.ORG": ["u2"],
    "emailISEMPTY": ["u3"],
    "emailISNOTEMPTY": ["u1", "u2"],
    "emailEMPTYSTRING": ["u3"],
    "emailANYTHING": ["u1", "u2", "u3"],
    "failed_attempts<10": ["u1"],
    "failed_attempts<=10": ["u1", "u2"],
    "failed_attempts>2": ["u2"],
    "failed_attempts>=2": ["u1", "u2"],
    "failed_attemptsBETWEEN3@11": ["u2"],
    "nameSAMEAStitle": ["u1"],
    "nameNSAMEAStitle": ["u2", "u3"],
    "sys_created_onONToday@javascript:gs.beginningOfToday()@javascript:gs.endOfToday()": [
        "u1",
        "u2",
        "u3",
    ],
    "sys_created_on<javascript:gs.dateGenerate('2026-03-12','00:00:00')": [],
    "sys_created_on>javascript:gs.daysAgo(1)": ["u1", "u2", "u3"],
    "sys_created_on<javascript:gs.minutesAgo(1)": [],
    "sys_created_on>=javascript:gs.daysAgoStart(0)": ["u1", "u2", "u3"],
    "sys_created_on<=javascript:gs.daysAgoEnd(1)": [],
    "sys_created_on=javascript:gs.nowDateTime()": ["u1", "u2", "u3"],
    "sys_created_on=javascript:gs.yesterday(0)": [],
    "sys_created_on=javascript:gs.daysAgo(x)": [],
    "sys_created_on>=javascript:gs.dateGenerate('2026-03-12','start')": ["u1", "u2", "u3"],
    "sys_id=javascript:gs.getUserID()": [],
    "user_name=javascript:gs.getUserName()": ["u3"],
    "manager.user_name=u1": ["u2"],
    "manager.manager.user_name=u1": ["u3"],
    "manager.nameSTARTSWITHB": ["u3"],
    "active=true^user_name!=u1": ["u3"],
    "user_name=u1^ORuser_name=u2^active=true": ["u1"],
    "user_name=u1^NQuser_name=u3": ["u1", "u3"],
    "user_name=u1^EQ": ["u1"],
    "": ["u1", "u2", "u3"],
    "ORDERBYDESCuser_name": ["u3", "u2", "u1"],
    "ORDERBYDESCfailed_attempts": ["u2", "u1", "u3"],
    "active=true^ORDERBYDESCname": ["u3", "u1"],
    "ORDERBYactive^ORDERBYDESCuser_name": ["u2", "u3", "u1"],
    "ORDERBYmanager.user_name": ["u1", "u2", "u3"],
    "RLQUERYsys_user_has_role.user,>1^ENDRLQUERY": ["u1"],
    "RLQUERYsys_user_has_role.user,=0^ENDRLQUERY": ["u3"],
    "RLQUERYsys_user_has_role.user,>=1,m2m^role.name=admin^ENDRLQUERY^active=false": ["u2"],
    "JOINsys_user.sys_id=sys_user_has_role.user!role.name=admin": ["u1", "u2"],
    "active=true^JOINsys_user.sys_id=sys_user_has_role.user!^ORDERBYname": ["u1"],
    # What is no condition is dropped [DOC; MEAS BST].
    "nonsense=1": ["u1", "u2", "u3"],
    "nonsense=1^user_name=u1": ["u1"],
    "user_name=u1^ORnonsense=1": ["u1"],
    "user_name=u1^manager.nonsense=1": ["u1"],
    "user_name=u1^name.first=1": ["u1"],
    "USER NAME": ["u1", "u2", "u3"],
    "RLQUERYnonsense": ["u1", "u2", "u3"],
    "nameSAMEASnonsense": ["u1", "u2", "u3"],
    "failed_attemptsBETWEEN3": ["u1", "u2", "u3"],
    "JOINsys_user.x=sys_user_has_role.y!a=b": ["u1", "u2", "u3"],
    "ORDERBYDESCnonsense": ["u1", "u2", "u3"],
    # What cannot be computed finds nothing.
    "user_name=javascript:gs.eval('x')": [],
    "user_nameINjavascript:1": [],
    "failed_attemptsBETWEENjavascript:1@2": [],
}


@pytest.mark.parametrize("query", CASES)
def test_each_operator_finds_what_it_should(database, query):
    assert found(database, query) == CASES[query]


def test_a_caret_in_a_value_is_written_twice(database):
    assert parse("name=a^^b^active=true").alternatives == (
        ((Term("name", "=", "a^b"),), (Term("active", "=", "true"),)),
    )


def test_what_was_dropped_is_told(database):
    dropped = database.compile("sys_user", "nonsense=1^user_name=u1").dropped
    assert dropped == ("sys_user has no column 'nonsense'",)


def test_strict_finds_nothing_where_a_column_is_unknown(database):
    assert found(database, "nonsense=1", strict=True) == []
    assert found(database, "user_name=u1", strict=True) == ["u1"]


def test_pages_are_cut_after_the_order(database):
    assert found(database, "ORDERBYDESCuser_name", limit=1, offset=1) == ["u2"]


def test_class_of_a_record_is_asked_with_instanceof():
    dictionary = Dictionary()
    made = Database(None, dictionary=dictionary, clock=SteppedClock(NOW), randomness=seeded(1))
    made.insert("sys_app", {"name": "a"}, by="t")
    made.insert("sys_package", {"name": "p"}, by="t")
    query = "sys_class_nameINSTANCEOFsys_scope"
    assert [row["name"] for row in made.query("sys_package", query)] == ["a"]
    assert made.count("sys_package") == 2
    assert made.count("sys_scope") == 1
    made.close()


def test_values_never_become_sql(database):
    assert found(database, "user_name=u1' OR '1'='1") == []
    assert found(database, "ORDERBYuser_name;DROP TABLE record") == ["u1", "u2", "u3"]


PIECES = st.sampled_from(
    [
        *OPERATORS,
        *(
            "^",
            "^OR",
            "^NQ",
            "^EQ",
            "ORDERBY",
            "RLQUERY",
            "^ENDRLQUERY",
            "JOIN",
            "!",
            ",",
            ".",
            "@",
        ),
        *("user_name", "manager", "name", "sys_id", "sys_user", "javascript:", "gs.daysAgo(", "u1"),
    ]
)


@given(st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join)))
def test_no_text_makes_a_query_fail(text):
    with closing(empty_database()) as made:
        assert made.query("sys_user", text) == []
        assert made.count("sys_user", text) == 0


def test_long_and_deep_queries_are_answered(database):
    assert found(database, "user_nameIN" + ",".join(["u1", *"x" * 100_000])) == ["u1"]
    assert found(database, "^OR".join(["user_name=u1"] * 3000)) == ["u1"]
    assert found(database, "^NQ".join(["user_name=u1"] * 3000)) == ["u1"]
    assert found(database, "^".join(["user_name=u1"] * 3000)) == ["u1"]
    assert found(database, "manager." * 3000 + "name=x") == ["u1", "u2", "u3"]
    join = "JOINsys_user.sys_id=sys_user.sys_id!"
    assert found(database, join * 3000 + "user_name=u1") == ["u1", "u2", "u3"]
    related = "RLQUERYsys_user.manager,>=0^"
    assert found(database, related * 3000) == ["u1", "u2", "u3"]


def test_parts_are_understood():
    parsed = parse("RLQUERYa.b,>=2^c=1^ENDRLQUERY^GROUPBYx,y^?")
    [[[related], [invalid]]] = parsed.alternatives
    assert isinstance(related, Related) and related.number == 2
    assert invalid == Invalid(5)
    assert parsed.group_by == ("x", "y")
