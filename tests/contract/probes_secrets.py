"""Probes of secret columns and of the one active account (C12, C18)."""

from __future__ import annotations

import secrets

from contract_client import anonymous
from contract_sets import Record, a_name, new_id, single
from probe import Asker, Lines, Probe, form_of

from generator.secrets.interface import Secret

ENTITY = "/api/now/table/oauth_entity"
ACCOUNTS = "sys_email_account"
DISPLAY = {"sysparm_input_display_value": "true"}


def _c12(asker: Asker) -> Lines:
    lines = []
    for name, params in (("default parameters", None), ("sysparm_input_display_value", DISPLAY)):
        client, planted = new_id(), secrets.token_hex(20)
        entity = _entity(asker, client)
        body = {"client_secret": planted}
        answer = asker.rest.send("PATCH", f"{ENTITY}/{entity}", body=body, params=params)
        said = _state(asker, entity, client, planted=planted)
        lines.append(f"PATCH with {name}: {answer.status}; {said}")
    # What a payload does to a secret that is there.
    for name, element in (("a plaintext element", True), ("no element", False)):
        client, planted, brought = new_id(), secrets.token_hex(20), secrets.token_hex(20)
        entity = _entity(asker, client)
        path = f"{ENTITY}/{entity}"
        asker.rest.send("PATCH", path, body={"client_secret": planted}, params=DISPLAY)
        before = _state(asker, entity, client, planted=planted)
        row = asker.rest.row("oauth_entity", entity, fields="name") or {}
        values = {"client_id": client, "name": row["name"], "type": "client", "active": "true"}
        if element:
            values["client_secret"] = brought
        said = _commit(asker, Record("oauth_entity", entity, values, type="Application Registries"))
        after = _state(asker, entity, client, planted=brought if element else planted)
        lines.append(f"a payload with {name}: before {before}; {said}; after {after}")
    return lines


def _entity(asker: Asker, client: str) -> str:
    """An inbound client without a user: its secret is judged, no token is ever granted to it."""
    values = {
        "name": a_name(asker.target.run),
        "type": "client",
        "client_id": client,
        "active": "true",
    }
    return asker.scratch.insert("oauth_entity", values)


def _state(asker: Asker, entity: str, client: str, *, planted: str) -> str:
    """How the column reads, whether it counts as set, and what a token request makes of it."""
    row = asker.rest.row("oauth_entity", entity, fields="client_secret") or {}
    read = form_of(row.get("client_secret", ""), planted=planted)
    query = f"sys_id={entity}^client_secretISNOTEMPTY"
    is_set = bool(asker.rest.find("oauth_entity", query, fields="sys_id"))
    right = _token(asker, client, Secret(planted))
    wrong = _token(asker, client, Secret(secrets.token_hex(20)))
    tells = f"token request {right}, with a wrong secret {wrong}"
    return f"reads {read}, {'set' if is_set else 'not set'}, {tells}"


def _token(asker: Asker, client: str, secret: Secret) -> str:
    form = {
        "grant_type": "client_credentials",
        "client_id": client,
        "client_secret": secret.reveal(),
    }
    answer = asker.rest.call("POST", "/oauth_token.do", auth=anonymous, data=form)
    found = answer.json() if answer.is_json else {}
    said = "granted" if "access_token" in found else found.get("error")
    return f"{answer.status} {said}"


def _commit(asker: Asker, record: Record) -> str:
    # Newer than what REST has just written, or the preview finds a collision.
    asker.target.clock.sleep(2)
    file = single(asker.target.run, record, now=asker.target.clock.now())
    asker.scratch.load(asker.ui, file)
    asker.ended(asker.scratch.cicd(f"update_set/preview/{file.sys_id}"))
    query = f"remote_update_set={file.sys_id}"
    fields = "sys_id,remote_update_set"
    for row in asker.rest.find("sys_update_preview_problem", query, fields=fields):
        path = f"/api/now/table/sys_update_preview_problem/{row['sys_id']}"
        asker.rest.send("PATCH", path, body={"status": "ignored"})
    body = {"force_commit": "false"}
    said, _ = asker.ended(asker.scratch.cicd(f"update_set/commit/{file.sys_id}", body=body))
    return f"commit {said}"


def _c18(asker: Asker) -> Lines:
    query = "name=glide.email.smtp.active"
    rows = asker.rest.find("sys_properties", query, fields="name,value")
    if [row["value"] for row in rows] != ["false"]:
        return ["not asked: outbound mail is not off here (glide.email.smtp.active)"]
    before = _active(asker)
    values = {
        "name": a_name(asker.target.run),
        "type": "smtp",
        "active": "false",
        "authentication": "none",
        "connection_security": "none",
        "server": "mail.contract.example",
        "port": "25",
    }
    sys_id = asker.scratch.insert(ACCOUNTS, values)
    path = f"/api/now/table/{ACCOUNTS}"
    try:
        answer = asker.rest.send("PATCH", f"{path}/{sys_id}", body={"active": "true"})
        message, detail = answer.error()
        lines = [f"PATCH active=true: {answer.status} {message} {detail}".rstrip()]
        for number in range(1, 4):
            now = _active(asker)
            older = len(now & before)
            ours = "on" if sys_id in now else "off"
            lines.append(f"read {number}: ours {ours}, {older} of {len(before)} older on")
            asker.target.clock.sleep(2)
    finally:
        asker.rest.send("PATCH", f"{path}/{sys_id}", body={"active": "false"})
        asker.rest.send("DELETE", f"{path}/{sys_id}")
        for other in before - _active(asker):
            asker.rest.send("PATCH", f"{path}/{other}", body={"active": "true"})
    assert _active(asker) == before, "the accounts that were active could not be restored"
    return lines


def _active(asker: Asker) -> set[str]:
    rows = asker.rest.find(ACCOUNTS, "type=smtp^active=true", fields="sys_id,type,active")
    return {row["sys_id"] for row in rows if (row["type"], row["active"]) == ("smtp", "true")}


SECRET = (
    Probe(
        "C12",
        "password2 over REST and in a payload: what is stored, what is read?",
        "writes on scratch oauth_entity records, each followed by token requests",
        _c12,
        writes=True,
        needs=("cicd",),
    ),
    Probe(
        "C18",
        "A second active SMTP account: refused, or the first switched off?",
        "PATCH active=true on a dead account, where outbound mail is off; put back afterwards",
        _c18,
        writes=True,
    ),
)
"""In the order of the spec."""
