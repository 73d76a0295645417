"""Every call of az in the scripts of the Azure side, against the command table of the real one.

Skipped where it is not installed: `make azure-cli` does that, half a gigabyte, in an environment of
its own, and `make conformance` finds it there.
"""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import ModuleType

import pytest

from generator.azure.setup import UNKNOWN_CLIENT, Wishes, plan_setup
from generator.azure.setup_render import Format, render_setup
from generator.azure.setup_templates import ScriptTemplates
from generator.config.environment import Authorization, Environment

pytestmark = pytest.mark.conformance

VAULT = "keyvault:https://kv-contoso-fake.vault.azure.net/secrets/smtp-secret"
MENTION = re.compile(
    r"(?<![\w./-])az ((?:[a-z][a-z-]*(?: |$))+)(--[a-z](?:(?!\baz )[^\n])*)?", re.MULTILINE
)

Ask = Callable[..., dict[str, list[object]]]


@pytest.fixture(scope="module")
def ask_az(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Ask the real Azure CLI about calls, mentions and queries."""
    directory = Path(os.environ.get("SN_SMTP_AZURE_CLI") or repository / "build" / "azure-cli")
    python = directory / "bin" / "python"
    if not python.exists():
        pytest.skip("the Azure CLI is not installed (make azure-cli)")
    home = tmp_path_factory.mktemp("azure-cli")

    def ask(**asked: list[object]) -> dict[str, list[object]]:
        nothing: dict[str, list[object]] = {"calls": [], "mentions": [], "queries": []}
        done = subprocess.run(
            [str(python), str(Path(__file__).with_name("azure_cli_table.py"))],
            input=json.dumps({**nothing, **asked}),
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "AZURE_CONFIG_DIR": str(home), "AZURE_CORE_COLLECT_TELEMETRY": "no"},
            timeout=600,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        answer: dict[str, list[object]] = json.loads(done.stdout)
        return answer

    return ask


@pytest.fixture
def scripts(environment: Callable[..., Environment], now: datetime) -> dict[str, str]:
    """Each format in both models, to a file and to a vault."""
    made = {}
    for form, model, source in itertools.product(Format, Authorization, (None, VAULT)):
        kind = environment(
            azure__authorization=model,
            azure__client_id=UNKNOWN_CLIENT,
            azure__client_secret_from=source,
            email_account__from_address="bookings@contoso.example",
        )
        setup = plan_setup(kind, wishes=Wishes(), now=now)
        text = render_setup(setup, form, templates=ScriptTemplates())
        made[f"{form.value}-{model.value}-{'vault' if source else 'file'}"] = text
    return made


@pytest.fixture
def calls(
    repository: Path, scripts: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[list[str]]:
    """Every call that the bash script makes, as az was given it: run in each model and trouble."""
    if sys.platform == "win32":
        pytest.skip("the script is for bash")
    monkeypatch.syspath_prepend(str(repository / "tests" / "azure"))
    az_world = importlib.import_module("az_world")
    troubles: tuple[dict[str, object], ...] = (
        {},
        {"cloud": "AzureChinaCloud", "signed_in": False},
        {"vault_refuses": True},
        {"consent_refused": True},
    )
    made: dict[str, list[str]] = {}
    for name, text in scripts.items():
        if not name.startswith("az-"):
            continue
        for number, trouble in enumerate(troubles if name == "az-app_role-vault" else ({},)):
            directory = tmp_path / f"{name}-{number}"
            directory.mkdir()
            world = az_world.make_world(directory)
            world.change(vault={}, **trouble)
            world.run(text, "--yes")
            made |= {json.dumps(call): call for call in world.calls}
    return list(made.values())


def test_the_script_calls_what_there_is(ask_az: Ask, calls: list[list[str]]) -> None:
    commands = {" ".join(itertools.takewhile(lambda w: w[0] != "-", call)) for call in calls}
    assert commands == {
        *("cloud show", "cloud set", "account show", "login", "rest"),
        *("ad app list", "ad app show", "ad sp list", "ad sp show", "ad sp create"),
        *("ad app permission list", "ad app permission add"),
        *("ad app credential list", "ad app credential reset", "ad app credential delete"),
        *("keyvault secret list", "keyvault secret set"),
    }

    # Identifiers differ in every run; what is asked about is the form.
    forms = {json.dumps([_form(word) for word in call]) for call in calls}
    asked = [json.loads(form) for form in sorted(forms)]
    refused = [said for said in ask_az(calls=asked)["calls"] if said is not None]
    assert refused == []


def _form(word: str) -> str:
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "0", word)


def test_every_command_that_is_named_is_there(ask_az: Ask, scripts: dict[str, str]) -> None:
    mentions = set()
    for text in scripts.values():
        for words, rest in MENTION.findall(re.sub(r"\\\n\s*|\bask (?=[a-z])", " az ", text)):
            options = re.findall(r"(?<!\S)--[a-z][a-z-]*", rest)
            if options:
                mentions.add((words.strip(), tuple(sorted(set(options)))))
    assert ("deployment group what-if", ("--resource-group", "--template-file")) in mentions
    assert len(mentions) > 15

    said = ask_az(mentions=sorted(mentions))["mentions"]
    assert [one for one in said if one is not None] == []


def test_a_wrong_call_would_be_seen(ask_az: Ask) -> None:
    said = ask_az(
        calls=[["ad", "app", "shw", "--id", "x"], ["ad", "app", "show"], ["rest", "--url", "x"]],
        mentions=[("ad sp delete", ["--id", "--identifier"])],
    )
    assert "no such command" in str(said["calls"][0])
    assert "--id" in str(said["calls"][1])
    assert said["calls"][2] is None
    assert said["mentions"] == ["az ad sp delete has no --identifier"]


def _fake(repository: Path) -> ModuleType:
    path = repository / "tests" / "azure" / "fake_az.py"
    spec = importlib.util.spec_from_file_location("fake_az_of_conformance", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _known(found: re.Match[str]) -> str:
    return found[0] if "SMTP.SendAsApp" in found[0] or "Role" in found[0] else "=='x'"


DOCUMENTS: tuple[object, ...] = (
    {"name": "AzureCloud", "endpoints": {"microsoftGraphResourceId": "https://graph/"}},
    {
        "tenantId": "t",
        "password": "p",
        "appId": "a",
        "id": "i",
        "web": {"redirectUris": ["u", "v"]},
    },
    {"appRoles": [{"id": "r", "value": "Other"}, {"id": "x", "value": "SMTP.SendAsApp"}]},
    {"value": [{"appRoleId": "x", "resourceId": "y", "id": "0"}]},
    {"value": [{"appRoleId": "x", "resourceId": "x", "id": "1"}]},
    {"value": []},
    [],
    [{"appId": "a", "id": "i", "displayName": "x", "keyId": "k", "hint": "h"}],
    [{"resourceAppId": "x", "resourceAccess": [{"id": "x", "type": "Role"}]}],
    [{"resourceAppId": "x", "resourceAccess": [{"id": "x", "type": "Scope"}]}],
    [{"resourceAppId": "y", "resourceAccess": []}],
)


def test_the_stand_in_answers_queries_as_the_real_one(
    ask_az: Ask, calls: list[list[str]], repository: Path
) -> None:
    """The tests that run the script believe its queries; here JMESPath itself is asked."""
    fake = _fake(repository)
    given = {call[call.index("--query") + 1] for call in calls if "--query" in call}
    queries = {re.sub(r"=='[^']*'", _known, query) for query in given}
    assert len(queries) > 8
    pairs = []
    mine = []
    for query, document in itertools.product(sorted(queries), DOCUMENTS):
        try:
            mine.append(fake.evaluate(query, document))
        except (KeyError, TypeError, AttributeError):
            continue  # A document of another command.
        pairs.append((query, document))
    assert {query for query, _ in pairs} == queries

    real = ask_az(queries=pairs)["queries"]
    assert [(*pair, one) for pair, one in zip(pairs, real, strict=True)] == [
        (*pair, one) for pair, one in zip(pairs, mine, strict=True)
    ]
