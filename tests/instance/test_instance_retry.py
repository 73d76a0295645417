from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest
import requests
from instance_replies import (
    ID,
    NOT_SIGNED_IN,
    START,
    Reply,
    batch,
    bench,
    error,
    page,
    part,
    rows,
    said,
)

from generator.errors import NetworkError, OutcomeUnknown, RemoteError
from generator.instance.interface import Read, Route

NO_NODE = page("<html><h1>502 Bad Gateway</h1></html>", 502, Server="snow_adc")
LOST = requests.ConnectionError("reset")
USERS = Read("sys_user", fields=("user_name",))


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_read_comes_again(status: int) -> None:
    made = bench(page("<html></html>", status), rows({"user_name": "admin"}))
    assert made.instance.read([USERS])[0].rows == ({"user_name": "admin"},)
    assert made.instance.requests == 2
    assert made.instance.waited == made.clock.monotonic() > 0


def test_a_lost_read_comes_again() -> None:
    made = bench(LOST, rows())
    assert made.instance.read([USERS])[0].rows == ()
    assert made.instance.requests == 2


def test_a_batch_of_reads_comes_again() -> None:
    served = [part(0, rows()), part(1, rows())]
    made = bench(NO_NODE, batch(served))
    assert [found.error for found in made.instance.read([USERS, USERS])] == [None, None]
    assert made.replies.paths() == ["POST /api/now/v1/batch"] * 2


def test_an_instance_says_how_long_to_wait() -> None:
    made = bench(error(429, "Rate limit exceeded", Retry_After="37"), rows())
    made.instance.read([USERS])
    assert made.clock.monotonic() == 37


def test_it_may_say_so_by_a_date() -> None:
    moment = format_datetime(START + timedelta(seconds=40), usegmt=True)
    made = bench(page("", 503, Retry_After=moment), rows())
    made.instance.read([USERS])
    assert made.clock.monotonic() == 41


def test_no_date_of_the_past_makes_a_storm() -> None:
    moment = format_datetime(START - timedelta(days=1), usegmt=True)
    made = bench(*[page("", 503, Retry_After=moment)] * 20, budget=10)
    with pytest.raises(NetworkError):
        made.instance.read([USERS])
    assert made.instance.requests == 11


def test_a_wait_of_nothing_is_a_second() -> None:
    made = bench(*[page("", 429, Retry_After="0")] * 20, budget=5)
    with pytest.raises(NetworkError):
        made.instance.read([USERS])
    assert made.instance.requests == 6


@pytest.mark.parametrize("asked", ["soon", "", "-5"])
def test_a_bare_429_cools_down(asked: str) -> None:
    made = bench(error(429, "Rate limit exceeded", Retry_After=asked), rows())
    made.instance.read([USERS])
    assert 60 <= made.clock.monotonic() < 61


def test_waits_double_and_end() -> None:
    made = bench(*[NO_NODE] * 50)
    with pytest.raises(NetworkError) as caught:
        made.instance.read([USERS])
    assert caught.value.faults[0].code == "instance-no-node"
    assert caught.value.status == 502
    assert made.instance.requests == 7
    assert 63 * 0.75 <= made.clock.monotonic() <= 63 * 1.25


def test_one_budget_holds_for_all() -> None:
    limited = error(
        429, "Rate limit exceeded", "Rate limit of 100 requests per hour", Retry_After="60"
    )
    made = bench(limited, rows(), limited, budget=100)
    made.instance.read([USERS])
    with pytest.raises(NetworkError) as caught:
        made.instance.read([USERS])
    assert caught.value.faults[0].code == "instance-rate-limit"
    assert "100 requests per hour" in str(caught.value)
    assert "in 60 s" in (caught.value.faults[0].next or "")
    assert made.clock.monotonic() == 60


def test_an_address_that_never_answered_is_given_up_sooner() -> None:
    made = bench(*[LOST] * 10)
    with pytest.raises(NetworkError):
        made.instance.check_awake()
    assert made.instance.requests == 3


def test_an_instance_that_has_answered_gets_more_patience() -> None:
    made = bench(NOT_SIGNED_IN, *[LOST] * 6, rows())
    made.instance.check_awake()
    made.instance.read([USERS])
    assert made.instance.requests == 8


@pytest.mark.parametrize("lost", [LOST, NO_NODE, page("", 504), page("", 503)])
def test_a_change_is_sent_once(lost: Exception | Reply) -> None:
    made = bench(lost)
    with pytest.raises(OutcomeUnknown) as caught:
        made.instance.commit(ID, batch=True, route=Route.CICD)
    assert "commit" in str(caught.value)
    assert made.instance.requests == 1
    assert made.clock.monotonic() == 0


def test_a_change_that_the_rate_limit_refused_did_not_happen() -> None:
    made = bench(error(429, "Rate limit exceeded"))
    with pytest.raises(NetworkError):
        made.instance.commit(ID, batch=True, route=Route.CICD)
    assert made.instance.requests == 1


def test_a_change_that_was_never_sent_did_not_happen() -> None:
    made = bench(requests.ConnectTimeout("too long"))
    with pytest.raises(NetworkError) as caught:
        made.instance.commit(ID, batch=True, route=Route.CICD)
    assert caught.value.faults[0].code == "instance-timeout"


def test_a_cancelled_transaction_may_stand() -> None:
    cancelled = "Transaction cancelled: maximum execution time exceeded"
    made = bench(error(500, cancelled))
    with pytest.raises(OutcomeUnknown) as caught:
        made.instance.update("sys_email_account", ID, {"port": "587"})
    assert cancelled in str(caught.value)


def test_a_cancelled_read_did_no_harm() -> None:
    made = bench(error(500, "Transaction cancelled: maximum execution time exceeded"))
    with pytest.raises(RemoteError) as caught:
        made.instance.read([USERS])
    assert not isinstance(caught.value, OutcomeUnknown)
    assert caught.value.faults[0].code == "instance-transaction-cancelled"


def test_the_clock_of_the_instance_is_told() -> None:
    made = bench(said({"result": []}, Date="Mon, 23 Nov 2026 12:00:05 GMT"), said({"result": []}))
    assert made.instance.server_time() is None
    made.instance.read([USERS])
    made.instance.read([USERS])
    assert made.instance.server_time() == START + timedelta(seconds=5)


def test_a_date_that_is_none_is_not_believed() -> None:
    made = bench(said({"result": []}, Date="yesterday"))
    made.instance.read([USERS])
    assert made.instance.server_time() is None


def test_a_try_that_failed_counts_against_the_budget() -> None:
    made = bench(budget=100)

    def slow(_sent: object) -> Reply:
        made.clock.sleep(60)
        return NO_NODE

    made.replies.steps = [slow, slow, slow]
    with pytest.raises(NetworkError):
        made.instance.read([USERS])
    assert made.instance.requests == 2
