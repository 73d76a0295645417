"""How long a secret lives, by those who tell; and which one of several at Azure it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from generator.azure.graph import Application, PasswordCredential
from generator.config.environment import Environment
from generator.errors import ExitCode
from generator.instance.secret_life import Source, Told, graph_tells, judge_life
from generator.secrets.interface import Secret

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def key(number: int, *, hint: str = "", days: int | None = 100) -> PasswordCredential:
    """One secret at Azure."""
    ends = None if days is None else NOW + timedelta(days=days)
    return PasswordCredential(f"key-{number}", f"name {number}", hint, None, ends)


def tells(
    environment: Environment,
    *passwords: PasswordCredential,
    remembered: str = "",
    fetch: Callable[[], Secret] | None = None,
) -> tuple[Told, str]:
    """What Graph tells, and the key id of the secret in use."""
    told, found = graph_tells(
        Application("id", "name", passwords),
        environment=environment,
        remembered=remembered,
        fetch=fetch,
        now=NOW,
    )
    return told, "" if found is None else found.key_id


def hinted(environment: Callable[..., Environment], hint: str | None) -> Environment:
    made = environment()
    return replace(made, azure=replace(made.azure, secret_hint=hint))


def test_the_only_secret_is_the_one_in_use(environment: Callable[..., Environment]) -> None:
    assert tells(environment(), key(1))[1] == "key-1"


def test_the_last_rotation_tells_more_than_old_files(
    environment: Callable[..., Environment],
) -> None:
    both = (key(1, hint="abc"), key(2, hint="xyz"))
    assert tells(hinted(environment, "abc"), *both)[1] == "key-1"
    assert tells(hinted(environment, "abc"), *both, remembered="key-2")[1] == "key-2"


def test_what_is_remembered_and_gone_tells_nothing(
    environment: Callable[..., Environment],
) -> None:
    both = (key(1, hint="abc"), key(2, hint="xyz"))
    told, found = tells(environment(), *both, remembered="gone")
    assert found == ""
    assert "cannot be told" in told.where
    assert tells(hinted(environment, "xyz"), *both, remembered="gone")[1] == "key-2"


def test_the_secret_is_fetched_only_where_nothing_else_tells(
    environment: Callable[..., Environment],
) -> None:
    fetched: list[int] = []

    def fetch() -> Secret:
        fetched.append(1)
        return Secret("xyz" + "-secret")

    both = (key(1, hint="abc"), key(2, hint="xyz"))
    assert tells(hinted(environment, "abc"), *both, fetch=fetch)[1] == "key-1"
    assert not fetched
    assert tells(environment(), *both, fetch=fetch)[1] == "key-2"
    assert fetched


def test_of_several_the_earliest_live_end_counts(environment: Callable[..., Environment]) -> None:
    told, _ = tells(environment(), key(1, days=-3), key(2, days=30), key(3, days=9), key(4))
    assert told.ends == NOW + timedelta(days=9)
    told, _ = tells(environment(), key(1, days=None), key(2, days=None))
    assert told.ends is None


def test_graph_counts_most_and_the_others_are_held_against_it(
    environment: Callable[..., Environment],
) -> None:
    ends = NOW + timedelta(days=100)
    life = judge_life(
        [
            Told(Source.ENVIRONMENT, ends - timedelta(days=3), "azure.json"),
            Told(Source.INSTANCE, None, "the property"),
            Told(Source.GRAPH, ends, "key"),
        ],
        environment=environment(),
        now=NOW,
    )
    assert [one.source for one in life.told] == [*Source]
    assert (life.ends, life.ends_from, life.days_left) == (ends, Source.GRAPH, 100)
    assert life.exit_code is ExitCode.OK
    assert len(life.notes) == 2
    assert "the property) says no date" in life.notes[0]
    assert "azure.json) says 2027-02-28" in life.notes[1]


def test_where_graph_has_no_end_the_instance_counts(
    environment: Callable[..., Environment],
) -> None:
    ends = NOW + timedelta(days=50)
    life = judge_life(
        [
            Told(Source.GRAPH, None, "key"),
            Told(Source.INSTANCE, ends, "the property"),
            Told(Source.ENVIRONMENT, ends, "azure.json"),
        ],
        environment=environment(),
        now=NOW,
    )
    assert (life.ends_from, life.mark) == (Source.INSTANCE, 60)
    assert any("within 60 days" in note for note in life.notes)


@pytest.mark.parametrize(
    ("seconds", "left", "code"),
    [
        (14 * 86_400 + 1, 14, ExitCode.OK),
        (14 * 86_400, 14, ExitCode.VERIFICATION_FAILED),
        (1, 0, ExitCode.VERIFICATION_FAILED),
        (0, 0, ExitCode.VERIFICATION_FAILED),
        (-1, -1, ExitCode.VERIFICATION_FAILED),
    ],
)
def test_the_threshold_to_the_second(
    environment: Callable[..., Environment], seconds: int, left: int, code: ExitCode
) -> None:
    told = [Told(Source.ENVIRONMENT, NOW + timedelta(seconds=seconds), "x")]
    life = judge_life(told, environment=environment(), now=NOW)
    assert (life.days_left, life.exit_code) == (left, code)
    if code is not ExitCode.OK:
        assert life.faults[0].code == ("secret-expiring" if seconds > 0 else "secret-expired")
