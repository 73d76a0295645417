"""Known endpoints of different clouds are refused, wherever they are written."""

from __future__ import annotations

from itertools import combinations

import pytest
from config_root import OWN, Root

from generator.azure.clouds import ENDPOINTS, LOGIN_HOSTS, SCOPES, SMTP_HOSTS, Cloud

TENANT = "7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b"
US = "https://login.microsoftonline.us"


def put(root: Root, *, azure: str = "", server: str = "") -> Root:
    text = OWN.replace("azure:\n", f"azure:\n{azure}")
    return root.own(text.replace("email_account:\n", f"email_account:\n{server}"))


@pytest.mark.parametrize(
    ("endpoint", "value", "fitting"),
    [
        ("login", US, ("gcc-high", "dod")),
        ("scope", "https://OUTLOOK.office365.us/.default", ("gcc-high",)),
        ("smtp", "smtp.partner.outlook.cn", ("china",)),
    ],
)
def test_one_endpoint_of_another_cloud(
    root: Root, endpoint: str, value: str, fitting: tuple[str, ...]
) -> None:
    fault = put(root, azure=f"  endpoints: {{{endpoint}: {value}}}\n").fault()
    assert (fault.code, fault.path) == ("mixed-clouds", f"azure.endpoints.{endpoint}")
    assert (fault.file, fault.line) == (str(root.path / "dev/environment.yaml"), 6)
    assert "azure.cloud, which is not written, is of public" in fault.message
    assert f"environment.yaml:6 ({value}) is of {' or '.join(fitting)}" in fault.message
    for cloud in ("public", *fitting):
        known = ENDPOINTS[Cloud(cloud)]
        assert f"{cloud}: {known.login}, {known.scope}, {known.smtp}" in str(fault.next)
    put(root, azure=f"  cloud: {fitting[-1]}\n  endpoints: {{{endpoint}: {value}}}\n").load()


def test_the_server_of_another_cloud(root: Root) -> None:
    server = "  server: SMTP.office365.com\n"
    fault = put(root, azure="  cloud: china\n", server=server).fault()
    assert (fault.code, fault.path, fault.line) == ("mixed-clouds", "email_account.server", 4)
    assert f"azure.cloud in {root.path / 'dev/environment.yaml'}:7 is of china" in fault.message
    assert put(root, server=server).load().email_account.server == "smtp.office365.com"


def test_a_place_in_the_common_file_is_named(root: Root) -> None:
    common = (root.path / "common.yaml").read_text()
    root.common(f"{common}azure: {{cloud: dod}}\n")
    fault = put(root, azure="  endpoints: {smtp: smtp.office365.us}\n").fault()
    assert f"azure.cloud in {root.path / 'common.yaml'}:9 is of dod" in fault.message


def test_endpoints_of_one_cloud_need_no_cloud_if_all_are_written(root: Root) -> None:
    known = ENDPOINTS[Cloud.DOD]
    login_and_scope = f"login: {known.login}, scope: {known.scope}"
    azure = f"  endpoints: {{{login_and_scope}, smtp: {known.smtp}}}\n"
    assert put(root, azure=azure).load().azure.smtp == known.smtp
    azure = f"  endpoints: {{{login_and_scope}}}\n"
    assert put(root, azure=azure).fault().code == "mixed-clouds"
    server = f"  server: {known.smtp}\n"
    assert put(root, azure=azure, server=server).load().email_account.server == known.smtp
    azure = f"  cloud: gcc-high\n{azure}"
    assert put(root, azure=azure, server=server).fault().path == "azure.endpoints.scope"


@pytest.mark.parametrize("cloud", Cloud)
def test_unknown_endpoints_go_with_any_cloud(root: Root, cloud: Cloud) -> None:
    azure = (
        f"  cloud: {cloud.value}\n"
        "  endpoints: {login: https://a.example, scope: https://b.example/.default, "
        "smtp: c.example}\n"
    )
    loaded = put(root, azure=azure, server="  server: d.example\n").load()
    assert (loaded.azure.login, loaded.email_account.server) == ("https://a.example", "d.example")


def test_the_cloud_that_the_outputs_name_counts(root: Root) -> None:
    root.write("dev/azure.json", {"environmentName": "AzureCloud", "tenantId": TENANT})
    known = ENDPOINTS[Cloud.CHINA]
    endpoints = f"login: {known.login}, scope: {known.scope}, smtp: {known.smtp}"
    fault = put(root, azure=f"  endpoints: {{{endpoints}}}\n").fault()
    assert "azure.json at environmentName is of public" in fault.message


def test_clouds_that_the_outputs_leave_open_count(root: Root) -> None:
    root.write("dev/azure.json", {"environmentName": "AzureUSGovernment", "tenantId": TENANT})
    for cloud, codes in ((Cloud.CHINA, ["mixed-clouds"]), (Cloud.DOD, [])):
        known = ENDPOINTS[cloud]
        endpoints = f"login: {known.login}, scope: {known.scope}, smtp: {known.smtp}"
        put(root, azure=f"  endpoints: {{{endpoints}}}\n")
        if codes:
            fault = root.fault()
            assert fault.code == "mixed-clouds"
            assert "azure.json at environmentName is of gcc-high or dod" in fault.message
        else:
            root.load()


def test_a_login_that_the_outputs_contradict_is_told_once(root: Root) -> None:
    url = f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"
    root.write("dev/azure.json", {"token_url": url})
    fault = put(root, azure=f"  endpoints: {{login: {US}}}\n").fault()
    assert (fault.code, fault.path) == ("azure-disagrees", "azure.endpoints.login")
    assert "azure.json at token_url" in fault.message


def test_every_known_endpoint_is_in_a_table() -> None:
    for cloud, known in ENDPOINTS.items():
        assert cloud in LOGIN_HOSTS[known.login.removeprefix("https://")]
        assert cloud in SCOPES[known.scope]
        assert cloud in SMTP_HOSTS[known.smtp]
    for one, other in combinations(ENDPOINTS.values(), 2):
        assert one.scope != other.scope
        assert one.smtp != other.smtp
