"""Probes that send throw-away update sets (C1, C3 to C11, C13, C16, C21)."""

from __future__ import annotations

from contract_client import CIPHERTEXT, Answer, Ui, anonymous, shown
from contract_scratch import LOCAL_SETS, PREVIEWS, PROBLEMS, SETS, SYS_ID, UPDATES
from contract_sets import Record, SetFile, a_name, a_property, batch, dangling, new_id, single
from probe import Asker, Lines, Probe

from generator.secrets.interface import Secret

MINUTES = 31
COUNTERS = "state,inserted,updated,deleted,collisions,summary,update_set,commit_date"
ACCOUNTS = "sys_email_account"


def _file(asker: Asker, *records: Record) -> SetFile:
    return single(asker.target.run, *records, now=asker.target.clock.now())


def _broken(asker: Asker) -> SetFile:
    return _file(asker, a_property(asker.target.run), dangling(asker.target.run))


def _there(asker: Asker, file: SetFile) -> str:
    row = asker.scratch.row(file)
    if row is None:
        return "the set is not there"
    count = asker.rest.count(UPDATES, f"remote_update_set={file.sys_id}")
    return f"the set is there, {row['state']}, {count} update(s)"


def _counters(asker: Asker, sys_id: str) -> str:
    row = asker.rest.row(SETS, sys_id, fields=COUNTERS)
    if row is None:
        return "no record"
    return ", ".join(f"{name} {value or 'empty'}" for name, value in row.items())


def _c1(asker: Asker) -> Lines:
    stale = Secret(new_id() + new_id() + new_id()[:8])
    lines = []
    for name, spoiled, options in (
        ("good file", False, {}),
        ("bad XML", True, {}),
        ("stale token", False, {"token": stale}),
        ("file first, token in header", False, {"file_first": True}),
        ("file first, none in header", False, {"file_first": True, "in_header": False}),
    ):
        file = _file(asker)
        content = file.content[:-12] if spoiled else file.content
        asker.scratch.will_make(file)
        answer = asker.ui.upload(content, name=file.sys_id, **options)
        lines.append(f"{name}: {_capture(answer)}; {_there(asker, file)}")
        asker.ui.page()
    return lines


def _capture(answer: Answer) -> str:
    headers = ", ".join(f"{name} {value}" for name, value in sorted(answer.headers.items()))
    return f"{answer.status}, body {answer.shown()}; {headers}"


def _c3(asker: Asker) -> Lines:
    if asker.target.client is None:
        return ["not asked: SN_SMTP_CLIENT_ID and SN_SMTP_CLIENT_SECRET are not set"]
    client, secret = asker.target.client
    form = {
        "grant_type": "client_credentials",
        "client_id": client,
        "client_secret": secret.reveal(),
    }
    answer = asker.rest.call("POST", "/oauth_token.do", auth=anonymous, data=form)
    if answer.status != 200:
        found = answer.json() if answer.is_json else {}
        return [
            f"no token: {answer.status}, {found.get('error')}, {found.get('error_description')}"
        ]
    session = asker.new_ui()
    told = session.exchange(Secret(str(answer.json()["access_token"])))
    lines = [f"get_user on the jar: {told.status}, token {'there' if told.token else 'absent'}"]
    page = session.page()
    logged_in = page.headers.get("X-Is-Logged-In", "absent")
    lines.append(f"/upload.do: {page.status}, X-Is-Logged-In {logged_in}")
    if not session.has_token:
        return [*lines, "no token, so no upload"]
    file = _file(asker)
    asker.scratch.will_make(file)
    sent = session.upload(file.content, name=file.sys_id)
    return [*lines, f"upload: {sent.status}; {_there(asker, file)}"]


def _c4(asker: Asker) -> Lines:
    session = _signed_in(asker)
    page = session.page()
    lines = [f"/upload.do gives glide_session_store Max-Age {_age(page)}"]
    call = session.rest("GET", "/api/now/table/sys_user", with_token=True, sysparm_limit="1")
    lines.append(f"a REST call on the jar: {call.status}, gives Max-Age {_age(call)}")
    lines.append(f"61 s after that call: {_after(asker, session, 61)}")
    lines.append(f"61 s of idling without such a call: {_after(asker, _signed_in(asker), 61)}")
    if not asker.target.patient:
        return [*lines, f"{MINUTES} minutes: not asked, needs --patient"]
    late = _after(asker, _signed_in(asker), MINUTES * 60)
    return [*lines, f"{MINUTES} minutes of idling: {late}"]


def _signed_in(asker: Asker) -> Ui:
    for way in (Ui.sign_in, Ui.basic, Ui.form):
        session = asker.new_ui()
        way(session)
        if session.page().headers.get("X-Is-Logged-In") == "true" and session.has_token:
            return session
    raise AssertionError("no second UI session opens")


def _age(answer: Answer) -> str:
    return answer.ages.get("glide_session_store") or "none"


def _after(asker: Asker, session: Ui, seconds: int) -> str:
    asker.target.clock.sleep(seconds)
    file = _file(asker)
    asker.scratch.will_make(file)
    answer = session.upload(file.content, name=file.sys_id)
    return f"upload {answer.status}; {_there(asker, file)}"


def _c5(asker: Asker) -> Lines:
    file = _file(asker)
    asker.scratch.load(asker.ui, file)
    lines = [f"after the first upload: {_there(asker, file)}"]
    asker.scratch.upload(asker.ui, file)
    return [*lines, f"after the same file again: {_there(asker, file)}"]


def _c6(asker: Asker) -> Lines:
    file = _broken(asker)
    asker.scratch.load(asker.ui, file)
    said, end = asker.ended(asker.scratch.cicd(f"update_set/preview/{file.sys_id}"))
    lines = [said]
    if end is not None:
        ids = sorted(name for name in end.body if name.endswith("_id"))
        links = end.body.get("links")
        lines.append(f"ids in the body: {ids or 'none'}")
        lines.append(f"links: {sorted(links) if isinstance(links, dict) else 'none'}")
        lines.append(f"status_detail: {shown(str(end.body.get('status_detail'))) or 'empty'}")
    rows = asker.rest.find(PROBLEMS, f"remote_update_set={file.sys_id}", fields=_PROBLEM)
    lines += [f"problem: {row['type']}, {shown(row['description'])}" for row in rows]
    return [*lines, _counters(asker, file.sys_id)]


_PROBLEM = "sys_id,type,status,description,remote_update,remote_update.name"


def _c7(asker: Asker) -> Lines:
    lines = []
    for name, is_previewed in (("unpreviewed", False), ("with an open problem", True)):
        file = _broken(asker)
        asker.scratch.load(asker.ui, file)
        if is_previewed:
            asker.ended(asker.scratch.cicd(f"update_set/preview/{file.sys_id}"))
        said, _ = asker.ended(_commit(asker, file))
        lines.append(f"{name}: {said}; afterwards {_counters(asker, file.sys_id)}")
    return lines


def _commit(asker: Asker, file: SetFile) -> Answer:
    body = {"force_commit": "false"}
    return asker.scratch.cicd(f"update_set/commit/{file.sys_id}", body=body)


def _c8(asker: Asker) -> Lines:
    file = batch(asker.target.run, now=asker.target.clock.now())
    asker.scratch.load(asker.ui, file)
    lines = []
    for call in ("preview", "commit"):
        path = f"update_set/{call}/{file.sys_id}"
        said, _ = asker.ended(asker.scratch.cicd(path, body={"force_commit": "false"}))
        lines.append(f"{call} of the base: {said}")
        for name, member in zip(("base", "child"), file.members, strict=True):
            lines.append(f"  {name}: {_counters(asker, member.sys_id)}")
    return lines


def _c9(asker: Asker) -> Lines:
    file = _broken(asker)
    asker.scratch.load(asker.ui, file)
    asker.ended(asker.scratch.cicd(f"update_set/preview/{file.sys_id}"))
    rows = asker.rest.find(PROBLEMS, f"remote_update_set={file.sys_id}", fields=_PROBLEM)
    if not rows:
        return ["the preview found no problem, so nothing could be skipped"]
    lines = []
    for row in rows:
        path = f"/api/now/table/{PROBLEMS}/{row['sys_id']}"
        answer = asker.rest.send("PATCH", path, body={"status": "skipped"})
        after = asker.rest.row(PROBLEMS, row["sys_id"], fields="status") or {}
        lines.append(f"PATCH status=skipped: {answer.status}, reads {after.get('status')!r}")
    update = rows[0]["remote_update"]
    query = f"remote_update={update}"
    preview = asker.rest.find(PREVIEWS, query, fields="sys_id,proposed_action")[0]
    lines.append(f"proposed_action then: {preview['proposed_action']!r}")
    path = f"/api/now/table/{PREVIEWS}/{preview['sys_id']}"
    answer = asker.rest.send("PATCH", path, body={"proposed_action": "skip"})
    after = asker.rest.row(PREVIEWS, preview["sys_id"], fields="proposed_action") or {}
    said = f"{answer.status}, reads {after.get('proposed_action')!r}"
    lines.append(f"PATCH proposed_action=skip: {said}")
    said, _ = asker.ended(_commit(asker, file))
    lines.append(f"commit: {said}")
    for record in file.records:
        is_there = asker.rest.row(record.table, record.sys_id, fields="sys_id") is not None
        lines.append(f"  {record.table}: {'written' if is_there else 'not written'}")
    return lines


def _c10(asker: Asker) -> Lines:
    file = _file(asker)
    asker.scratch.load(asker.ui, file)
    asker.ended(asker.scratch.cicd(f"update_set/preview/{file.sys_id}"))
    asker.ended(_commit(asker, file))
    row = asker.scratch.row(file) or {}
    local = row.get("update_set", "")
    if not SYS_ID.fullmatch(local):
        return [f"the commit made no local set: {_counters(asker, file.sys_id)}"]
    params = {"update_set_id": local, "rollback_installs": "true"}
    said, _ = asker.ended(asker.scratch.cicd("update_set/back_out", **params))
    kept = asker.rest.row(LOCAL_SETS, local, fields="state")
    record = file.records[0]
    is_there = asker.rest.row(record.table, record.sys_id, fields="sys_id") is not None
    return [
        f"back out of a set without release date: {said}",
        f"the retrieved set: {_counters(asker, file.sys_id)}",
        f"the local set: {'gone' if kept is None else 'state ' + kept['state']}",
        f"the record: {'still there' if is_there else 'gone'}",
    ]


def _c11(asker: Asker) -> Lines:
    query = f"name={ACCOUNTS}^internal_type=collection"
    rows = asker.rest.find("sys_dictionary", query, fields="name,attributes")
    lines = [f"dictionary attributes: {row['attributes'] or 'empty'}" for row in rows]
    parents = asker.rest.find("sys_db_object", f"name={ACCOUNTS}", fields="name,super_class.name")
    lines += [f"parent table: {row.get('super_class.name') or 'none'}" for row in parents]
    if asker.made is None:
        return [*lines, "the commit of an account: needs --write"]
    values = {
        "active": "false",
        "authentication": "oauth2",
        "connection_security": "starttls",
        "name": a_name(asker.target.run),
        "port": "587",
        "server": "mail.contract.example",
        "type": "smtp",
        "user_name": "contract@contract.example",
    }
    record = Record(ACCOUNTS, new_id(), values, type="Email Account")
    file = _file(asker, record)
    asker.scratch.load(asker.ui, file)
    said, _ = asker.ended(asker.scratch.cicd(f"update_set/preview/{file.sys_id}"))
    lines.append(f"preview: {said}")
    said, _ = asker.ended(_commit(asker, file))
    lines.append(f"commit: {said}")
    found = asker.rest.row(ACCOUNTS, record.sys_id, fields=",".join(values))
    if found is None:
        return [*lines, "the account is not there"]
    differs = sorted(name for name, value in values.items() if found.get(name) != value)
    return [*lines, f"the account is there, active {found['active']!r}, differs in {differs}"]


def _c13(asker: Asker) -> Lines:
    file = _file(asker)
    asker.scratch.load(asker.ui, file)
    answer = asker.rest.send("DELETE", f"/api/now/table/{SETS}/{file.sys_id}")
    count = asker.rest.count(UPDATES, f"remote_update_set={file.sys_id}")
    return [f"DELETE: {answer.status}; {_there(asker, file)}; {count} update(s) of it are left"]


def _c16(asker: Asker) -> Lines:
    run = asker.target.run
    entity = Record(
        "oauth_entity",
        new_id(),
        {"name": a_name(run), "type": "oauth_provider", "default_grant_type": "client_credentials"},
        type="Application Registries",
    )
    values = {
        "default": "true",
        "grant_type": "client_credentials",
        "name": a_name(run),
        "oauth_entity": entity.sys_id,
    }
    profile = Record("oauth_entity_profile", new_id(), values, type="OAuth Entity Profile")
    file = _file(asker, entity, profile)
    asker.scratch.load(asker.ui, file)
    asker.ended(asker.scratch.cicd(f"update_set/preview/{file.sys_id}"))
    said, _ = asker.ended(_commit(asker, file))
    fields = "sys_id,name,default,oauth_entity"
    rows = asker.rest.find("oauth_entity_profile", f"oauth_entity={entity.sys_id}", fields=fields)
    for row in rows:
        if row["sys_id"] != profile.sys_id and row["oauth_entity"] == entity.sys_id:
            asker.scratch.forget_later("oauth_entity_profile", row["sys_id"])
    return [
        f"commit: {said}",
        *(
            f"profile: {'ours' if row['sys_id'] == profile.sys_id else 'made by the instance'}, "
            f"default {row['default']!r}"
            for row in rows
        ),
    ]


def _c21(asker: Asker) -> Lines:
    values = {"user": new_id(), "role": new_id(), "inherited": "false", "state": "active"}
    refused = Record("sys_user_has_role", new_id(), values, type="User Role")
    file = _file(asker, a_property(asker.target.run), refused)
    asker.scratch.load(asker.ui, file)
    said, _ = asker.ended(asker.scratch.cicd(f"update_set/preview/{file.sys_id}"))
    lines = [f"preview: {said}"]
    said, _ = asker.ended(_commit(asker, file))
    lines += [f"commit: {said}", _counters(asker, file.sys_id)]
    is_there = asker.rest.row(refused.table, refused.sys_id, fields="sys_id") is not None
    lines.append(f"the record of sys_user_has_role: {'written' if is_there else 'refused'}")
    local = (asker.scratch.row(file) or {}).get("update_set", "")
    if not SYS_ID.fullmatch(local):
        return [*lines, "no local set"]
    answer = asker.rest.query("sys_update_set_log", f"update_set={local}", fields="status,log")
    if answer.status != 200:
        return [*lines, f"sys_update_set_log: {answer.line()}"]
    rows = answer.rows()
    lines.append(f"sys_update_set_log: {len(rows)} row(s)")
    return [*lines, *(f"  {row['status']}: {_clean(str(row['log']))}" for row in rows[:5])]


def _clean(text: str) -> str:
    return "ciphertext" if CIPHERTEXT.search(text) else shown(text)


SENDING = (
    Probe(
        "C1",
        "What does /sys_upload.do answer to good and bad requests?",
        "five captures; after each the set is read",
        _c1,
        writes=True,
    ),
    Probe(
        "C3",
        "Does the bearer-to-session sequence serve /sys_upload.do?",
        "a token by client credentials, the sequence of A4.2, an upload",
        _c3,
        writes=True,
    ),
    Probe(
        "C4",
        "How long do jar and token live; does a REST call on the jar shorten it?",
        f"Max-Age of glide_session_store; uploads after 61 s and {MINUTES} minutes",
        _c4,
        writes=True,
    ),
    Probe(
        "C5",
        "The same file twice: are its updates appended or replaced?",
        "two uploads, the updates counted after each",
        _c5,
        writes=True,
    ),
    Probe(
        "C6",
        "A CI/CD preview with problems: which status, message and ids?",
        "a set with a dangling reference",
        _c6,
        writes=True,
        needs=("cicd",),
    ),
    Probe(
        "C7",
        "A CI/CD commit, not forced, unpreviewed and with open problems: what comes back?",
        "two calls",
        _c7,
        writes=True,
        needs=("cicd",),
    ),
    Probe(
        "C8",
        "Does a CI/CD preview or commit of the base take the children along?",
        "a file with two sets; states and counters of both",
        _c8,
        writes=True,
        needs=("cicd",),
    ),
    Probe(
        "C9",
        "Does status=skipped set proposed_action; may REST write it?",
        "PATCH, read sys_update_preview_xml, PATCH that, commit, look for the record",
        _c9,
        writes=True,
        needs=("cicd",),
    ),
    Probe(
        "C10",
        "What do retrieved and local set say after a back-out; is a release date needed?",
        "commit, back out, read both",
        _c10,
        writes=True,
        needs=("cicd",),
    ),
    Probe(
        "C11",
        "Is sys_email_account tracked; does a commit apply its payload; does it stay inactive?",
        "its dictionary entry and parent; the commit of one inactive account",
        _c11,
        writes_some=True,
        needs=("cicd",),
    ),
    Probe(
        "C13",
        "Does DELETE of a retrieved set delete its updates?",
        "delete, count",
        _c13,
        writes=True,
    ),
    Probe(
        "C16",
        "Does the commit of an oauth_entity make a second default profile?",
        "commit entity and profile, list the profiles",
        _c16,
        writes=True,
        needs=("cicd",),
    ),
    Probe(
        "C21",
        "Does sys_update_set_log hold anything after a record that failed?",
        "commit a set with a record of sys_user_has_role for nobody",
        _c21,
        writes=True,
        needs=("cicd",),
    ),
)
"""In the order of the spec."""
