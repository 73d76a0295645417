"""The bash script, run: against a stand-in for az that keeps a tenant, in every model and twice."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from az_world import EXCHANGE, OLD, TENANT, World, make_world
from azure_script_world import HOSTILE, MAILBOX, VAULT, Make, rendered, setup_of, trouble

from generator.azure.clouds import GRAPH, Cloud
from generator.azure.model import Consent, Severity
from generator.azure.setup import Setup, Wishes
from generator.azure.setup_render import Format
from generator.config.environment import Authorization

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the script is for bash")

A, B = Authorization.APP_ROLE, Authorization.APP_RBAC


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A tenant with Exchange and no application of ours."""
    return make_world(tmp_path)


@pytest.fixture
def script(environment: Make) -> Callable[..., str]:
    """The bash script of an environment of some kind."""

    def make(**kind: object) -> str:
        return rendered(setup_of(environment, **kind), Format.AZ)  # type: ignore[arg-type]

    return make


def _app(world: World) -> dict[str, object]:
    (app,) = world.state["apps"]  # type: ignore[misc]
    assert isinstance(app, dict)
    return app


def test_it_sets_everything_up_and_its_outputs_are_understood(
    world: World, script: Callable[..., str]
) -> None:
    said = world.ok(script(sender="bookings@contoso.example"))

    app = _app(world)
    (grant,) = world.state["grants"]  # type: ignore[misc]
    sp = world.state["sps"][1]  # type: ignore[index]
    assert app["displayName"] == "Exchange Online SMTP (acme-dev)"
    assert app["signInAudience"] == "AzureADMyOrg"
    assert app["web"] == {"redirectUris": ["https://acme-dev.service-now.com/oauth_redirect.do"]}
    assert grant["principalId"] == sp["id"]
    assert grant["appRoleId"] == "7146a1f0-8703-45b3-9eae-527a64c00995"

    outputs = world.outputs()
    assert outputs.tenant_id and outputs.tenant_id.value == TENANT
    assert outputs.client_id and outputs.client_id.value == app["appId"]
    assert outputs.application_object_id and outputs.application_object_id.value == app["id"]
    assert outputs.service_principal_object_id
    assert outputs.service_principal_object_id.value == sp["id"]
    assert outputs.consent and outputs.consent.value is Consent.GRANTED
    assert outputs.secret_expires_on
    assert f"{outputs.secret_expires_on.value:%Y-%m-%d}" == "2027-05-22"
    assert outputs.secret_hint and outputs.secret_hint.value == world.canary[:3]
    assert outputs.secret_key_id
    assert outputs.token_endpoint
    assert outputs.token_endpoint.value == (
        f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"
    )
    assert [uri.value for uri in outputs.redirect_uris] == app["web"]["redirectUris"]  # type: ignore[index]
    assert [one for one in outputs.notices if one.severity is not Severity.NOTE] == []

    assert f"-AppId {app['appId']} -ServicePrincipalObjectId {sp['id']}" in said
    assert "sn-smtp azure read ./azure-dev.json" in said
    assert "sn-smtp verify dev" in said


def test_the_secret_lies_in_a_file_of_ones_own_and_nowhere_else(
    world: World, script: Callable[..., str]
) -> None:
    said = world.ok(script())

    file = world.home / "me" / ".sn-smtp" / "dev-client-secret"
    assert file.read_text(encoding="utf-8") == world.canary
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert f"azure.client_secret_from: file:{file}" in said
    assert sorted(path.name for path in file.parent.iterdir()) == ["dev-client-secret"]
    for path in world.out.iterdir():
        assert world.canary not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("model", Authorization)
@pytest.mark.parametrize("source", [None, VAULT])
def test_a_second_run_changes_nothing(
    world: World, script: Callable[..., str], model: Authorization, source: str | None
) -> None:
    if source:
        world.change(vault={})
    text = script(model=model, source=source)
    world.ok(text)
    before, files = world.state, {p.name: p.read_bytes() for p in world.out.iterdir()}
    world.forget()

    said = world.ok(text)

    assert world.writes() == []
    assert world.state == before
    assert {path.name: path.read_bytes() for path in world.out.iterdir()} == files
    assert "is there already, and none is added" in said


def test_what_is_there_is_kept(world: World, script: Callable[..., str]) -> None:
    other = "https://other.example/oauth_redirect.do"
    app = {
        "appId": "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f",
        "id": "c0ffee00-1111-4222-8333-444455556666",
        "displayName": "Whatever",
        "web": {"redirectUris": [other]},
        "requiredResourceAccess": [
            {"resourceAppId": EXCHANGE["appId"], "resourceAccess": [{"id": "x", "type": "Scope"}]}
        ],
        "passwordCredentials": [OLD],
    }
    world.change(apps=[app])

    world.ok(script(known=True))

    now = _app(world)
    ours = "https://acme-dev.service-now.com/oauth_redirect.do"
    assert now["web"] == {"redirectUris": [other, ours]}
    assert [one["keyId"] for one in now["passwordCredentials"]][0] == OLD["keyId"]  # type: ignore[index,attr-defined]
    assert len(now["passwordCredentials"]) == 2  # type: ignore[arg-type]
    assert not any("POST" in call and "/applications" in " ".join(call) for call in world.calls)
    outputs = world.outputs()
    assert outputs.secret_expires_on
    assert f"{outputs.secret_expires_on.value:%Y}" == "2027"
    assert outputs.secret_key_id and outputs.secret_key_id.value != OLD["keyId"]


@pytest.mark.parametrize("name", [" ".join(HOSTILE).strip(), "-leading --yes @file", "'"])
def test_hostile_names_arrive_as_they_are(
    world: World, script: Callable[..., str], name: str
) -> None:
    text = script(wishes=Wishes(app_name=name), mailbox=MAILBOX)
    world.ok(text)

    assert _app(world)["displayName"] == name
    assert not list(world.out.glob("*PWNED*"))
    exchange = (world.out / "exchange-dev.ps1").read_text(encoding="utf-8")
    assert trouble("powershell", exchange) == []
    # Found again by its name, with its quotes doubled.
    world.forget()
    world.ok(text)
    assert world.writes() == []


def test_app_rbac_asks_for_no_permission(world: World, script: Callable[..., str]) -> None:
    world.ok(script(model=B))

    assert world.state["grants"] == []
    assert _app(world)["requiredResourceAccess"] == []
    assert world.outputs().consent is None


def test_app_rbac_stops_where_the_role_was_granted(
    world: World, script: Callable[..., str]
) -> None:
    world.ok(script(model=A))

    said = world.stopped(script(model=B))
    assert "az rest --method DELETE" in said
    assert "az ad app permission delete" in said


def test_a_refused_consent_names_the_address(world: World, script: Callable[..., str]) -> None:
    world.change(consent_refused=True)

    said = world.stopped(script())

    app = _app(world)
    assert (
        f"https://login.microsoftonline.com/{TENANT}/v2.0/adminconsent?client_id={app['appId']}"
        "&redirect_uri=https%3A%2F%2Facme-dev.service-now.com%2Foauth_redirect.do"
        "&scope=https%3A%2F%2Foutlook.office365.com%2F.default"
    ) in said
    assert app["passwordCredentials"] == []
    # Somebody consented there; the next run goes on.
    world.change(consent_refused=False)
    world.ok(script())
    assert len(world.state["apps"]) == 1  # type: ignore[arg-type]


def test_the_vault_takes_the_secret_with_its_dates(
    world: World, script: Callable[..., str]
) -> None:
    world.change(vault={})
    said = world.ok(script(source=VAULT))

    stored = world.state["vault"]["smtp-secret"]  # type: ignore[index,call-overload]
    assert stored["value"] == world.canary
    assert f"tenantId={TENANT}" in stored["tags"]
    (call,) = [call for call in world.calls if call[:3] == ["keyvault", "secret", "set"]]
    assert call[call.index("--expires") + 1] == "2027-05-22T00:00:00Z"
    assert not (world.home / "me" / ".sn-smtp").exists()
    assert VAULT in said


@pytest.mark.parametrize(
    "why", [{"vault": {}, "vault_refuses": True}, {"vault": {}, "reset_breaks": True}]
)
def test_a_secret_that_cannot_be_kept_is_taken_back(
    world: World, script: Callable[..., str], why: dict[str, object]
) -> None:
    world.change(**why)
    said = world.stopped(script(source=VAULT))

    assert "it was removed again" in said
    assert _app(world)["passwordCredentials"] == []
    assert not (world.out / "azure-dev.json").exists()


def test_a_killed_run_leaves_no_secret_that_nobody_has(
    world: World, script: Callable[..., str]
) -> None:
    world.change(reset_killed=True)
    done = world.run(script(), "--yes")

    assert done.returncode == 143
    assert "it was removed again" in done.stderr
    assert _app(world)["passwordCredentials"] == []
    # The next run is as the first one.
    world.change(reset_killed=False)
    assert "The secret is in" in world.ok(script())


def test_a_removal_that_does_not_read_back_is_not_said(
    world: World, script: Callable[..., str]
) -> None:
    world.change(vault={}, vault_refuses=True, delete_does_nothing=True)
    said = world.stopped(script(source=VAULT))

    (left,) = _app(world)["passwordCredentials"]  # type: ignore[attr-defined]
    assert "removed again" not in said
    assert (
        f"az ad app credential delete --id {_app(world)['appId']} --key-id {left['keyId']}" in said
    )


def test_a_secret_that_was_never_added_is_not_said_to_be_removed(
    world: World, script: Callable[..., str]
) -> None:
    world.change(reset_refused=True)
    said = world.stopped(script())

    assert "az did not add the secret" in said
    assert "removed again" not in said
    assert "Entra does not list a new secret servicenow-acme-dev-2026-11" in said


def test_no_secret_is_made_where_the_vault_is_out_of_reach(
    world: World, script: Callable[..., str]
) -> None:
    world.stopped(script(source=VAULT))
    assert "ad app credential reset" not in world.writes()


def test_a_file_in_the_way_stops_it_before_a_secret_is_made(
    world: World, script: Callable[..., str]
) -> None:
    file = world.home / "kept"
    file.write_text("kept", encoding="utf-8")

    said = world.stopped(script(), SECRET_FILE=str(file))

    assert "is there already and is not overwritten" in said
    assert file.read_text(encoding="utf-8") == "kept"
    assert _app(world)["passwordCredentials"] == []


def test_a_secret_does_not_go_into_a_repository(world: World, script: Callable[..., str]) -> None:
    subprocess.run(["git", "init", "-q", str(world.out)], check=True, env={**os.environ})

    said = world.stopped(script(), SECRET_FILE="secret")
    assert "git repository" in said
    assert _app(world)["passwordCredentials"] == []

    (world.out / ".gitignore").write_text("secret\n", encoding="utf-8")
    world.ok(script(), SECRET_FILE="secret")
    assert (world.out / "secret").read_text(encoding="utf-8") == world.canary


def test_another_secret_has_another_name(world: World, script: Callable[..., str]) -> None:
    world.ok(script())
    world.ok(script(), SECRET_NAME="second.one", SECRET_FILE=str(world.home / "second"))

    names = [one["displayName"] for one in _app(world)["passwordCredentials"]]  # type: ignore[attr-defined]
    assert names == ["servicenow-acme-dev-2026-11", "second.one"]
    assert "letters, digits" in world.stopped(script(), SECRET_NAME="a'b")


def test_it_says_what_it_will_do_and_asks(world: World, script: Callable[..., str]) -> None:
    text = script()

    planned = world.run(text, "--plan")
    assert planned.returncode == 0
    assert planned.stdout.startswith("This will:\n")
    for number in ("1-3", "4 ", "5 ", "6-7", "8 ", "9 "):
        assert f"  {number}" in planned.stdout
    assert world.calls == []

    for answer in ("", "n\n", "\n"):
        done = world.run(text, answer=answer)
        assert done.returncode == 1
        assert done.stdout.startswith("This will:\n")
        assert world.calls == []
    assert "pass --yes" in world.run(text).stderr
    assert "unknown option" in world.run(text, "--force").stderr

    assert world.run(text, answer="y\n").returncode == 0
    assert world.calls


def test_the_plan_names_what_the_callers_environment_changes(
    world: World, script: Callable[..., str]
) -> None:
    assert "come from your environment" not in world.ok(script(), "--plan")
    said = world.ok(script(), "--plan", CLIENT_ID="2b9e6a10", OUT="elsewhere", SECRET_FILE="/x y")
    assert said.endswith("and win: CLIENT_ID=2b9e6a10 SECRET_FILE=/x y OUT=elsewhere\n")


def test_cloud_and_tenant_are_set_first(world: World, script: Callable[..., str]) -> None:
    world.change(cloud="AzureChinaCloud", signed_in=False)
    world.ok(script(known=False))
    assert world.writes()[:2] == ["cloud set", "login"]

    world.change(tenant="11111111-2222-4333-8444-555555555555")
    said = world.stopped(script(known=True))
    assert "az is signed in to the tenant 11111111" in said
    assert f"not to {TENANT}" in said


def test_a_graph_of_another_cloud_stops_it(world: World, script: Callable[..., str]) -> None:
    world.change(cloud="AzureUSGovernment", graph=GRAPH[Cloud.GCC_HIGH])
    said = world.stopped(script(cloud=Cloud.DOD))
    assert "az cloud update --name AzureUSGovernment" in said
    assert f"--endpoint-microsoft-graph-resource-id {GRAPH[Cloud.DOD]}" in said

    world.change(graph=GRAPH[Cloud.DOD])
    world.ok(script(cloud=Cloud.DOD))


def test_two_of_the_same_name_are_not_guessed(world: World, script: Callable[..., str]) -> None:
    world.ok(script())
    twin = {**_app(world), "appId": "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f"}
    world.change(apps=[_app(world), twin])

    assert "Several applications" in world.stopped(script())
    world.ok(script(), CLIENT_ID=str(twin["appId"]))
    assert world.outputs().client_id.value == twin["appId"]  # type: ignore[union-attr]


def test_a_tenant_without_exchange_is_named(world: World, script: Callable[..., str]) -> None:
    world.change(sps=[])
    assert "no Office 365 Exchange Online" in world.stopped(script())
    assert world.state["grants"] == []


def test_files_of_others_are_left_alone(world: World, script: Callable[..., str]) -> None:
    for name in ("azure-dev.json", "exchange-dev.ps1"):
        file = world.out / name
        file.write_text("{}", encoding="utf-8")
        assert "was not made by this script" in world.stopped(script())
        assert file.read_text(encoding="utf-8") == "{}"
        file.unlink()
        assert world.writes() == []


def test_without_az_it_says_so(world: World, script: Callable[..., str]) -> None:
    (world.home / "bin" / "az").unlink()
    if any(Path(place, "az").exists() for place in ("/usr/bin", "/bin")):
        pytest.skip("an az of the system would be found")
    assert "is not installed" in world.stopped(script())


def test_a_traced_run_shows_no_secret(world: World, script: Callable[..., str]) -> None:
    """`bash -x` is what people do when something fails; `run` looks for the canary."""
    text = script()
    path = world.home / "traced.sh"
    path.write_text(text, encoding="utf-8")
    done = world.run(f"exec bash -x {path} --yes\n")
    assert done.returncode == 0, done.stderr


def test_nothing_of_the_plan_is_special(environment: Make, world: World) -> None:
    setup: Setup = setup_of(environment, wishes=Wishes(app_name="$(touch PWNED) `touch PWNED`"))
    world.ok(rendered(setup, Format.AZ), "--plan")
    assert list(world.out.iterdir()) == []
