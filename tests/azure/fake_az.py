"""A stand-in for the Azure CLI: keeps a tenant in a JSON file and every call in a log.

Run as a program named `az`. It knows the calls that the scripts make and refuses any other, as the
real one does; whether the real one has them is for `tests/conformance`. Nothing but the standard
library, because it is started some thirty times a script.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import uuid
from pathlib import Path

EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"


def evaluate(query: str, document: object) -> object:
    """The few forms of JMESPath that the scripts use."""
    for pattern, take in FORMS:
        found = re.fullmatch(pattern, query)
        if found:
            return take(document, *found.groups())
    raise SystemExit(f"fake az: no such query: {query}")


def _first(rows: object) -> object:
    return next((row for row in rows if row is not None), None)  # type: ignore[attr-defined]


def _path(document: object, path: str) -> object:
    for step in path.split("."):
        document = document.get(step) if isinstance(document, dict) else None
    return document


FORMS = (
    (r"\[\]\.(\w+)", lambda rows, key: [row[key] for row in rows]),
    (r"\[0\]\.(\w+)", lambda rows, key: rows[0][key] if rows else None),
    (r"web\.redirectUris\[\]", lambda app: app["web"]["redirectUris"]),
    (
        r"appRoles\[\?value=='([^']*)'\]\.id \| \[0\]",
        lambda sp, name: _first(role["id"] for role in sp["appRoles"] if role["value"] == name),
    ),
    (
        r"value\[\?appRoleId=='([^']*)' && resourceId=='([^']*)'\]\.id \| \[0\]",
        lambda answer, role, resource: _first(
            one["id"]
            for one in answer["value"]
            if (one["appRoleId"], one["resourceId"]) == (role, resource)
        ),
    ),
    (
        r"\[\?resourceAppId=='([^']*)'\]\.resourceAccess\[\] \| "
        r"\[\?id=='([^']*)' && type=='Role'\]\.id \| \[0\]",
        lambda apis, api, role: _first(
            access["id"]
            for entry in apis
            if entry["resourceAppId"] == api
            for access in entry["resourceAccess"]
            if (access["id"], access["type"]) == (role, "Role")
        ),
    ),
    (
        r"\[\?displayName=='([^']*)'\]\.(\w+) \| \[0\]",
        lambda rows, name, key: _first(row[key] for row in rows if row["displayName"] == name),
    ),
    (r"([A-Za-z]+(?:\.[A-Za-z]+)*)", lambda document, path: _path(document, path)),
)


OPTIONS: dict[str, list[str]] = {}


class Tenant:
    """What the file holds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = json.loads(path.read_text(encoding="utf-8"))

    def save(self) -> None:
        """Keep it."""
        self.path.write_text(json.dumps(self.data), encoding="utf-8")

    def app(self, key: str) -> dict[str, object]:
        """An application by client ID or object ID."""
        for app in self.data["apps"]:
            if key in (app["appId"], app["id"]):
                return app
        raise SystemExit(3)


def matches(row: dict[str, object], text: str) -> bool:
    """`key eq 'value'`, quotes doubled."""
    found = re.fullmatch(r"(\w+) eq '((?:[^']|'')*)'", text)
    if found is None:
        raise SystemExit(f"fake az: Bad Request, invalid filter: {text}")
    return row.get(found[1]) == found[2].replace("''", "'")


def run(words: list[str], tenant: Tenant) -> object:
    """Do what a call asks for."""
    data = tenant.data
    match words:
        case ["cloud", "show"]:
            return {
                "name": data["cloud"],
                "endpoints": {"microsoftGraphResourceId": data["graph"] + "/"},
            }
        case ["cloud", "set"]:
            data["cloud"] = one("--name")
        case ["account", "show"]:
            if not data["signed_in"]:
                raise SystemExit("Please run 'az login' to setup account.")
            return {"tenantId": data["tenant"], "environmentName": data["cloud"]}
        case ["login"]:
            data["signed_in"] = True
        case ["ad", "app", "list"]:
            return [app for app in data["apps"] if matches(app, one("--filter"))]
        case ["ad", "app", "show"]:
            return tenant.app(one("--id"))
        case ["ad", "app", "update"]:
            tenant.app(one("--id"))["web"] = {"redirectUris": OPTIONS["--web-redirect-uris"]}
        case ["ad", "app", "permission", "list"]:
            return tenant.app(one("--id"))["requiredResourceAccess"]
        case ["ad", "app", "permission", "add"]:
            role, _, kind = one("--api-permissions").partition("=")
            access = {"resourceAppId": one("--api"), "resourceAccess": [{"id": role, "type": kind}]}
            tenant.app(one("--id"))["requiredResourceAccess"].append(access)
        case ["ad", "app", "credential", "list"]:
            return tenant.app(one("--id"))["passwordCredentials"]
        case ["ad", "app", "credential", "delete"]:
            app = tenant.app(one("--id"))
            keep = [c for c in app["passwordCredentials"] if c["keyId"] != one("--key-id")]
            if not data.get("delete_does_nothing"):
                app["passwordCredentials"] = keep
        case ["ad", "app", "credential", "reset"]:
            return reset(tenant)
        case ["ad", "sp", "list"]:
            return [sp for sp in data["sps"] if matches(sp, one("--filter"))]
        case ["ad", "sp", "show"]:
            found = [sp for sp in data["sps"] if one("--id") in (sp["appId"], sp["id"])]
            return found[0] if found else sys.exit(3)
        case ["ad", "sp", "create"]:
            app = tenant.app(one("--id"))
            sp = {"id": str(uuid.uuid4()), "appId": app["appId"], "appRoles": []}
            data["sps"].append(sp)
            return sp
        case ["rest"]:
            return rest(tenant)
        case ["keyvault", "secret", "list"]:
            if "vault" not in data:
                raise SystemExit("fake az: no such vault")
            return list(data["vault"])
        case ["keyvault", "secret", "set"]:
            if data.get("vault_refuses"):
                raise SystemExit("fake az: Forbidden")
            value = Path(one("--file")).read_text(encoding="utf-8")
            data["vault"][one("--name")] = {"value": value, "tags": OPTIONS["--tags"]}
            return {"value": value}
        case _:
            raise SystemExit(f"fake az: no such command: {' '.join(words)}")
    return None


def reset(tenant: Tenant) -> dict[str, object]:
    """Add a password; without --append all others go, as with the real one."""
    app = tenant.app(one("--id"))
    if "--append" not in OPTIONS:
        app["passwordCredentials"] = []
    secret = os.environ["FAKE_AZ_SECRET"]
    if tenant.data.get("reset_refused"):
        raise SystemExit("fake az: Insufficient privileges")
    app["passwordCredentials"].append(
        {
            "keyId": str(uuid.uuid4()),
            "displayName": one("--display-name"),
            "hint": secret[:3],
            "startDateTime": "2026-11-23T12:00:00Z",
            "endDateTime": one("--end-date"),
            "secretText": None,
        }
    )
    if tenant.data.get("reset_breaks"):
        tenant.save()
        raise SystemExit("fake az: connection reset")
    if tenant.data.get("reset_killed"):
        tenant.save()
        os.kill(os.getppid(), signal.SIGTERM)
        raise SystemExit(143)
    return {"appId": app["appId"], "password": secret, "tenant": tenant.data["tenant"]}


def rest(tenant: Tenant) -> object:
    """Microsoft Graph."""
    data = tenant.data
    method, url = one("--method"), one("--url")
    assert url.startswith(data["graph"] + "/v1.0/"), url
    assert one("--resource") == data["graph"]
    path = url.removeprefix(data["graph"] + "/v1.0")
    if (method, path) == ("POST", "/applications"):
        body = json.loads(one("--body"))
        app = {
            "appId": str(uuid.uuid4()),
            "id": str(uuid.uuid4()),
            "passwordCredentials": [],
            "requiredResourceAccess": [],
            **body,
        }
        data["apps"].append(app)
        return app
    found = re.fullmatch(r"/servicePrincipals/([0-9a-f-]{36})/appRoleAssignments", path)
    assert found, path
    if method == "GET":
        return {"value": [one for one in data["grants"] if one["principalId"] == found[1]]}
    if data.get("consent_refused"):
        raise SystemExit("fake az: Forbidden")
    data["grants"].append({"id": f"grant-{len(data['grants'])}", **json.loads(one("--body"))})
    return data["grants"][-1]


def one(option: str) -> str:
    """The only value of an option."""
    (value,) = OPTIONS[option]
    return value


def parse(arguments: list[str]) -> list[str]:
    """The command's words; its options go to `OPTIONS`."""
    words: list[str] = []
    at: list[str] | None = None
    for argument in arguments:
        # The real one reads a file where a value begins with @.
        assert not argument.startswith("@"), argument
        if argument.startswith("--"):
            at = OPTIONS.setdefault(argument, [])
        elif at is None:
            words.append(argument)
        else:
            at.append(argument)
    return words


def show(result: object) -> None:
    """As `--output` says."""
    output = one("--output") if "--output" in OPTIONS else "json"
    if output == "none" or result is None:
        return
    if output == "json":
        print(json.dumps(result))
    elif isinstance(result, list):
        for row in result:
            print(row)
    else:
        print(result)


def main() -> None:
    """One call."""
    with Path(os.environ["FAKE_AZ_LOG"]).open("a", encoding="utf-8") as log:
        log.write(json.dumps(sys.argv[1:]) + "\n")
    words = parse(sys.argv[1:])
    tenant = Tenant(Path(os.environ["FAKE_AZ_STATE"]))
    result = run(words, tenant)
    tenant.save()
    show(evaluate(one("--query"), result) if "--query" in OPTIONS else result)


if __name__ == "__main__":
    main()
