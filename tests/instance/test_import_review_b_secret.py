"""`secret deliver` says yes only where the secret reads as set and the date as wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from importing import Place, place

from generator.config.environment import Environment
from generator.errors import ExitCode, Fault, ResponseError
from generator.instance.deliver_only import deliver_secret
from generator.instance.interface import Found, Instance, Read

SECRET = "s" + "3cret-of-a-test"
PROPERTY = "sys_properties"
NO = ResponseError(Fault("closed", "The table is closed."), status=403, detail="not for you")


@pytest.fixture
def where(environment: Callable[..., Environment]) -> Place:
    """An imported package, and a source of the secret."""
    made = place(environment())
    assert made.call().code is ExitCode.OK
    made.client_secret = SECRET
    return made


class _Instead:
    """A client, one of whose methods is another."""

    def __init__(self, instance: Instance, **methods: object) -> None:
        self._instance, self._methods = instance, methods

    def __getattr__(self, name: str) -> object:
        return self._methods.get(name) or getattr(self._instance, name)


def _wrap(where: Place, **makers: Callable[[Instance], object]) -> None:
    where.wrap = lambda instance: _Instead(  # type: ignore[assignment,return-value]
        instance, **{name: make(instance) for name, make in makers.items()}
    )


def _property(where: Place) -> dict[str, str]:
    name = f"{where.environment.app.scope}.secret_expires_on"
    return where.sandbox.database.query(PROPERTY, f"name={name}")[0]


def _set(where: Place, value: str) -> None:
    row = _property(where)
    where.sandbox.database.update(PROPERTY, row["sys_id"], {"value": value}, by="x")


def _has_secret(where: Place) -> bool:
    (row,) = where.sandbox.database.query("oauth_entity", "client_secretISNOTEMPTY") or [{}]
    return bool(row)


def test_a_missing_property_is_no_success(where: Place) -> None:
    where.sandbox.database.delete(PROPERTY, _property(where)["sys_id"])
    came = where.call(deliver_secret)
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["expiry-not-written"])
    assert "not on the instance" in came.faults[0].message
    # What became of the secret is told all the same.
    assert came.report.secret == "delivered, not proven"


def test_two_properties_of_one_name_are_no_success(where: Place) -> None:
    twin = {name: value for name, value in _property(where).items() if name != "sys_id"}
    where.sandbox.database.insert(PROPERTY, twin, by="x")
    came = where.call(deliver_secret)
    assert came.codes == ["expiry-not-written"]
    assert "2 records" in came.faults[0].message


def test_a_date_that_cannot_be_read_stops_before_the_secret_is_sent(where: Place) -> None:
    reads = [0]

    def closed(instance: Instance) -> Callable[[Sequence[Read]], tuple[Found, ...]]:
        def read(wanted: Sequence[Read]) -> tuple[Found, ...]:
            reads[0] += 1
            return tuple(
                Found(error=NO) if entry.table == PROPERTY and reads[0] > 1 else found
                for entry, found in zip(wanted, instance.read(wanted), strict=True)
            )

        return read

    _set(where, "2020-01-01 00:00:00")
    _wrap(where, read=closed)
    came = where.call(deliver_secret)
    assert (came.code, came.codes) == (ExitCode.FAILED, ["closed"])
    assert not _has_secret(where)


def test_a_date_that_cannot_be_read_back_is_no_success(where: Place) -> None:
    sent = [False]

    def write(instance: Instance) -> Callable[..., None]:
        def made(*args: str) -> None:
            instance.write_secret(*args)
            sent[0] = True

        return made

    def closed(instance: Instance) -> Callable[[Sequence[Read]], tuple[Found, ...]]:
        return lambda wanted: tuple(
            Found(error=NO) if entry.table == PROPERTY and sent[0] else found
            for entry, found in zip(wanted, instance.read(wanted), strict=True)
        )

    _wrap(where, read=closed, write_secret=write)
    came = where.call(deliver_secret)
    assert came.codes == ["expiry-not-written"]
    assert "not for you" in came.faults[0].message


def test_a_date_that_is_refused_is_told_with_the_instances_words(where: Place) -> None:
    def refuse(*args: object) -> None:
        raise NO

    _set(where, "2020-01-01 00:00:00")
    _wrap(where, update=lambda instance: refuse)
    came = where.call(deliver_secret)
    assert came.codes == ["expiry-not-written"]
    assert "2020-01-01 00:00:00 (not for you)" in came.faults[0].message
    assert not any("is now" in note for note in came.report.notes)


def test_an_older_date_is_replaced_and_told(where: Place) -> None:
    _set(where, "2020-01-01 00:00:00")
    came = where.call(deliver_secret)
    assert (came.code, came.codes) == (ExitCode.OK, [])
    assert any("was 2020-01-01 00:00:00 and is now" in note for note in came.report.notes)


def test_without_a_date_none_is_asked_for(where: Place) -> None:
    where.environment = replace(
        where.environment, azure=replace(where.environment.azure, secret_expires_on=None)
    )
    _set(where, "2020-01-01 00:00:00")
    assert where.call(deliver_secret).code is ExitCode.OK
    assert _property(where)["value"] == "2020-01-01 00:00:00"


@pytest.mark.parametrize("dry_run", [True, False])
def test_without_a_source_the_call_is_wrong(where: Place, dry_run: bool) -> None:
    where.client_secret = None
    came = where.call(deliver_secret, dry_run=dry_run)
    assert (came.code, came.codes) == (ExitCode.USAGE, ["no-secret-source"])
    assert not any("would be delivered" in line for line in came.said)


def test_a_dry_run_looks_at_what_would_get_the_secret(
    where: Place, environment: Callable[..., Environment]
) -> None:
    assert where.call(deliver_secret, dry_run=True).code is ExitCode.OK
    assert not _has_secret(where)
    (row,) = where.sandbox.database.query("oauth_entity", "token_urlISNOTEMPTY")
    where.sandbox.database.update(
        "oauth_entity", row["sys_id"], {"token_url": "https://else.example"}, by="x"
    )
    assert where.call(deliver_secret, dry_run=True).codes == ["entity-differs"]
    where.sandbox.database.delete("oauth_entity", row["sys_id"])
    assert where.call(deliver_secret, dry_run=True).codes == ["entity-missing"]
    _set(where, "2029-01-01 00:00:00")
    assert where.call(deliver_secret, dry_run=True).codes == ["secret-older"]
