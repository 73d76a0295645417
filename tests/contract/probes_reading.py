"""Probes that read, or whose writes can come to nothing (C2, C14, C15, C17, C19, C20)."""

from __future__ import annotations

from collections import Counter

from contract_client import JSON, JSON_HEADERS, Answer, Rest, token_of
from contract_scratch import NOTHING
from probe import Asker, Lines, Probe

PRODUCTION = "glide.installation.production"
PUBLISH = "/api/now/wfa_fluent/activate_flows"
ACTIONS = "sys_hub_action_type_definition"
MOST_BYTES = 10_485_760
NEEDS_WRITE = "the rest needs --write"


def _c2(asker: Asker) -> Lines:
    jar = asker.new_ui()
    read = jar.basic()
    store = read.ages.get("glide_session_store") or "none"
    page = jar.page()
    lines = [
        f"REST read with Basic: {read.status}, cookies {sorted(read.ages) or 'none'}, "
        f"glide_session_store Max-Age {store}",
        f"then /upload.do on that jar: {_page(page)}",
    ]
    fresh = asker.new_ui()
    direct = fresh.call("GET", "/upload.do", auth=asker.target.basic())
    return [*lines, f"/upload.do with Basic and a fresh jar: {_page(direct)}"]


def _page(page: Answer) -> str:
    has = "a token" if token_of(page) is not None else "no token"
    return f"{page.status}, X-Is-Logged-In {page.headers.get('X-Is-Logged-In', 'absent')}, {has}"


def _c14(asker: Asker) -> Lines:
    lines = [f"as {asker.target.user}: {_property(asker.rest)}"]
    if asker.reader is None:
        return [*lines, "as a reader: SN_SMTP_READER_USER is not set"]
    return [*lines, f"as a user without roles: {_property(asker.reader)}"]


def _property(rest: Rest) -> str:
    answer = rest.query("sys_properties", f"name={PRODUCTION}", fields="name,value")
    if answer.status != 200:
        return answer.line()
    rows = [row for row in answer.rows() if row.get("name") == PRODUCTION]
    if not rows:
        return "no row"
    return f"value {rows[0]['value']!r}" if "value" in rows[0] else "a row without a value"


def _c15(asker: Asker) -> Lines:
    plugins = asker.rest.query(
        "v_plugin",
        "idINcom.glide.continuousdelivery,com.glide.email.oauth",
        fields="id,active,state",
    )
    lines = []
    if plugins.status == 200:
        lines += [
            f"v_plugin {row['id']}: active {row['active']!r}, state {row.get('state')!r}"
            for row in plugins.rows()
        ] or ["v_plugin: no row of either plugin"]
    for table in ("v_plugin", "sys_plugins", "sys_store_app"):
        answer = asker.rest.query(table, "", fields="sys_id", limit=1)
        message, detail = answer.error()
        said = f"{message} / {detail}" if message else f"{answer.headers.get('X-Total-Count')} rows"
        lines.append(f"{table}: {answer.status}, {said}")
    return lines


def _c17(asker: Asker) -> Lines:
    if asker.made is None:
        return [f"the endpoint is asked by POST: {NEEDS_WRITE}"]
    lines = [f"for an id that is nowhere: {_publish(asker, NOTHING, 'global')}"]
    if not asker.actions:
        return [*lines, "no action may be published: name one with --action SYS_ID"]
    fields = "name,state,active,latest_snapshot,master_snapshot,sys_scope,sys_scope.scope"
    for sys_id in asker.actions:
        before = asker.rest.row(ACTIONS, sys_id, fields=fields)
        if before is None:
            lines.append(f"{sys_id}: no such action")
            continue
        said = _publish(asker, sys_id, before["sys_scope"])
        after = asker.rest.row(ACTIONS, sys_id, fields=fields) or {}
        lines.append(f"in {before['sys_scope.scope'] or 'global'}: {said}")
        lines += [
            f"  {name}: {before[name] or 'empty'} -> {after.get(name) or 'empty'}"
            for name in ("state", "active", "latest_snapshot", "master_snapshot")
        ]
    return lines


def _publish(asker: Asker, sys_id: str, scope: str) -> str:
    body = {"flows": [], "actions": [{"sys_id": sys_id, "active": "", "state": ""}]}
    params = {"sysparm_transaction_scope": scope}
    return asker.rest.send("POST", PUBLISH, body=body, params=params).line()


def _c19(asker: Asker) -> Lines:
    answer = asker.rest.query(
        "change_request", "type=standard^ORDERBYDESCsys_created_on", fields="type,state,approval"
    )
    if answer.status != 200:
        return [answer.line()]
    rows = [row for row in answer.rows() if row.get("type") == "standard"]
    found = Counter((str(row["state"]), str(row["approval"])) for row in rows)
    return [
        f"{count} standard change(s) in state {state}: approval {approval!r}"
        for (state, approval), count in sorted(found.items())
    ] or ["there is no standard change here"]


def _c20(asker: Asker) -> Lines:
    rest = asker.rest
    progress = f"/api/sn_cicd/progress/{NOTHING}"
    users = "/api/now/table/sys_user"
    lines = [
        f"progress, wrong id: {rest.get(progress).line()}",
        f"GET without Accept: {_short(rest.send('GET', users, headers={}, params=_ONE))}",
        f"GET, Accept of nonsense: {_short(rest.send('GET', users, headers=_ODD, params=_ONE))}",
    ]
    if asker.reader is not None:
        lines.append(f"progress, no role: {asker.reader.get(progress).line()}")
    if asker.made is None:
        return [*lines, NEEDS_WRITE]
    nowhere = f"/api/now/table/sys_properties/{NOTHING}"
    for call in ("preview", "commit"):
        path = f"/api/sn_cicd/update_set/{call}/{NOTHING}"
        body = {"force_commit": "false"}
        lines.append(f"{call}, wrong id: {rest.send('POST', path, body=body).line()}")
        if asker.reader is not None:
            said = asker.reader.send("POST", path, body=body).line()
            lines.append(f"{call}, no role: {said}")
    back_out = "/api/sn_cicd/update_set/back_out"
    params = {"update_set_id": NOTHING}
    lines.append(f"back out, wrong id: {rest.send('POST', back_out, params=params).line()}")
    wrong = {**JSON_HEADERS, "Content-Type": "text/csv"}
    body = {"value": "1"}
    lines.append(
        f"PATCH, wrong Content-Type: {rest.send('PATCH', nowhere, body=body, headers=wrong).line()}"
    )
    large = {"value": "x" * MOST_BYTES}
    lines.append(f"PATCH of over 10 MiB: {rest.send('PATCH', nowhere, body=large).line()}")
    return lines


_ONE = {"sysparm_limit": "1", "sysparm_fields": "sys_id"}
_ODD = {"Accept": "text/csv", "Content-Type": JSON}


def _short(answer: Answer) -> str:
    if answer.status == 200:
        return f"200, {answer.content_type}, {answer.size} bytes"
    return answer.line()


READING = (
    Probe(
        "C2",
        "Does Basic with a fresh jar open /upload.do?",
        "GET /upload.do with Basic, and on the jar of a REST read; token and X-Is-Logged-In",
        _c2,
    ),
    Probe(
        "C14",
        "Is glide.installation.production readable, for whom, and what does it say?",
        "one GET as the user and one as a reader",
        _c14,
    ),
    Probe(
        "C15",
        "What is v_plugin.active; which plugin tables may the import role read?",
        "three GETs",
        _c15,
    ),
    Probe(
        "C17",
        "What does activate_flows answer and change, in a global and in a scoped application?",
        "one call for an id that is nowhere and one for each --action; state and snapshots",
        _c17,
        writes_some=True,
    ),
    Probe(
        "C19",
        "What is `approval` of an approved standard change?",
        "one GET of standard changes, by state",
        _c19,
    ),
    Probe(
        "C20",
        "Error bodies of the CI/CD calls, and for Accept, Content-Type and size",
        "up to eleven requests about records that are nowhere",
        _c20,
        writes_some=True,
    ),
)
"""In the order of the spec."""
