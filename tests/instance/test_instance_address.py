from __future__ import annotations

import pytest
from instance_replies import NOT_SIGNED_IN, bench

from generator.errors import UsageError
from generator.instance.address import check_address


@pytest.mark.parametrize(
    ("url", "host", "is_loopback"),
    [
        ("https://Dev1.service-now.com", "dev1.service-now.com", False),
        ("https://dev1.service-now.com/", "dev1.service-now.com", False),
        ("https://10.0.0.7:8443", "10.0.0.7", False),
        ("http://127.0.0.1:8080", "127.0.0.1", True),
        ("http://localhost:8080", "localhost", True),
        ("https://[::1]:9", "::1", True),
    ],
)
def test_an_address_is_a_host_with_a_port(url: str, host: str, is_loopback: bool) -> None:
    address = check_address(url)
    assert (address.host, address.is_loopback) == (host, is_loopback)
    assert address.url.count("/") == 2


@pytest.mark.parametrize(
    "url",
    [
        "",
        "dev1.service-now.com",
        "ftp://dev1.service-now.com",
        "https://",
        "https://dev1.service-now.com/path",
        "https://dev1.service-now.com/?a=b",
        "https://dev1.service-now.com/#a",
        "https://dev1.service-now.com:99999",
        "https://dev1.service-now.com:x",
        "https://a b.example",
        "https://dev1.example\r\nX: y",
        "https://[::1",
    ],
)
def test_anything_more_is_no_address(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_address(url)
    assert caught.value.faults[0].code == "instance-address"


def test_a_password_in_an_address_is_refused_and_not_shown() -> None:
    word = "hid" + "den1"
    with pytest.raises(UsageError) as caught:
        check_address(f"https://admin:{word}@dev1.service-now.com")
    assert word not in str(caught.value)


def test_http_is_for_this_machine_only() -> None:
    with pytest.raises(UsageError) as caught:
        check_address("http://dev1.service-now.com")
    assert caught.value.faults[0].code == "instance-not-https"


def test_requests_are_sent_elsewhere_on_loopback_only() -> None:
    url = "https://dev1.service-now.com"
    assert check_address(url, override_url="http://127.0.0.1:9").url == "http://127.0.0.1:9"
    with pytest.raises(UsageError) as caught:
        check_address(url, override_url="https://127.0.0.1.evil.example")
    assert caught.value.faults[0].code == "instance-override"


def test_an_override_is_where_requests_go() -> None:
    made = bench(NOT_SIGNED_IN, override="http://127.0.0.1:9", proxy="http://proxy.example:3128")
    made.instance.check_awake()
    assert made.instance.url == "http://127.0.0.1:9"
    assert made.replies.sent[0].url.startswith("http://127.0.0.1:9/")
    assert made.replies.sent[0].proxies == {}, "a proxy cannot reach this machine's loopback"


def test_the_proxy_is_the_one_of_the_settings() -> None:
    made = bench(NOT_SIGNED_IN, proxy="http://proxy.example:3128")
    made.instance.check_awake()
    assert made.replies.sent[0].proxies == {
        "http": "http://proxy.example:3128",
        "https": "http://proxy.example:3128",
    }
