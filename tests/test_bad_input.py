"""Bad input through the whole chain: refused with its place, nothing written, nothing echoed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from packages import record_file, set_files, shipped, snapshot, texts
from roots import COMMON, EPOCH, Answer, Command, write_environment, write_root

from generator.checks.interface import Severity
from generator.checks.lint import lint_file

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{last}'] * 9)}]\n"
    for last, name in zip("abcdefgh", "bcdefghi", strict=True)
)
ODD = "Ä & <b> \"q\" 'a' ]]> {{7*7}} {% x %}"


def refused(root: Path, sn_smtp: Command, name: str = "dev") -> Answer:
    """Render, which must refuse as a fault of the user's files and write nothing."""
    before = snapshot(root)
    answer = sn_smtp("render", name, "--root", root)
    assert answer.code == 2, answer.said
    assert "This is a bug" not in answer.said
    assert "Traceback" not in answer.said
    assert snapshot(root) == before
    return answer


def fault_of(root: Path, sn_smtp: Command, name: str = "dev") -> dict[str, object]:
    """The one fault, with the place it names."""
    refused(root, sn_smtp, name)
    answer = sn_smtp("render", name, "--root", root, "--json")
    (fault,) = json.loads(answer.out)["errors"]
    assert fault["file"] == str(root / name / "environment.yaml")
    assert fault["next"] or fault["message"]
    return fault


# ---- files that are no environment files ----


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"# nothing but a comment\n",
        b"just text",
        b"- a\n- list\n",
        b"instance: {url: [}\n",
        b"a: b: c\n",
        b"\tinstance:\n",
        b"instance: {url: https://a.example.com}\ninstance: {url: https://b.example.com}\n",
        b"instance: &a\n  url: *a\n",
        b"--- {}\n--- {}\n",
        b"instance: !!python/object/apply:os.system ['true']\n",
        b"\xff\xfei\x00",
        b"instance: {url: 'https://a.example.com\xe9'}\n",
        b"\x00\x01\x02",
        b"[" * 50_000,
        b"{a: " * 5_000,
        b"instance: {url: https://a.example.com}\n" + BOMB.encode(),
        b"x" * 10_000_000,
    ],
    ids=[
        *("empty", "comment", "text", "list", "open", "colons", "tab", "twice", "cycle"),
        *("documents", "tag", "utf-16", "latin-1", "zeros", "deep list", "deep map", "bomb"),
        "huge",
    ],
)
def test_what_is_no_environment_file(tmp_path: Path, sn_smtp: Command, text: bytes) -> None:
    root = write_root(tmp_path / "root", {"dev": ""})
    (root / "dev" / "environment.yaml").write_bytes(text)
    answer = refused(root, sn_smtp)
    assert "environment.yaml" in answer.err
    assert len(answer.err) < 50_000


# ---- values that are not accepted ----

REFUSED = {
    "unknown key": ("layuot: batch", "layuot"),
    "unknown nested key": ("email_account: {prot: 587}", "email_account.prot"),
    "wrong type": ("email_account: {port: [587]}", "email_account.port"),
    "text for a number": ("email_account: {port: '587'}", "email_account.port"),
    "port": ("email_account: {port: 70000}", "email_account.port"),
    "not a flag": ("deletions: 'yes'", "deletions"),
    "scope of 19": ("app: {scope: x_acme_mail_oauth_1}", "app.scope"),
    "scope of another form": ("app: {scope: acme_mail}", "app.scope"),
    "http": ("instance: {url: http://acme.example.com}", "instance.url"),
    "path": ("instance: {url: https://acme.example.com/nav_to.do}", "instance.url"),
    "port in url": ("instance: {url: 'https://acme.example.com:8443'}", "instance.url"),
    "user in url": ("instance: {url: 'https://user@acme.example.com'}", "instance.url"),
    "short GUID": ("azure: {tenant_id: 7f1d2c3b-4a59-4e68-8b77}", "azure.tenant_id"),
    "braced GUID": (
        "azure: {client_id: '{2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f}'}",
        "azure.client_id",
    ),
    "mailbox": ("email_account: {user_name: servicenow}", "email_account.user_name"),
    "mailbox with a blank": (
        "email_account: {user_name: 'a b@c.example'}",
        "email_account.user_name",
    ),
    "10,000 characters": (f"email_account: {{name: {'n' * 10_000}}}", "email_account.name"),
    "app name of 65": (f"app: {{name: {'n' * 65}}}", "app.name"),
    "tab in a name": ('app: {name: "a\\tb"}', "app.name"),
    "line feed in a name": ('email_account: {name: "a\\nb"}', "email_account.name"),
    "carriage return": ('oauth: {name: "a\\rb"}', "oauth.name"),
    "control": ('oauth: {comments: "a\\x07b"}', "oauth.comments"),
    "stamp stand-in": ('oauth: {comments: "a\\x01b"}', "oauth.comments"),
    "C1 control": ('oauth: {comments: "a\\x85b"}', "oauth.comments"),
    "U+FFFE": ('oauth: {comments: "a\\ufffeb"}', "oauth.comments"),
    "U+FFFF": ('app: {vendor: "a\\uffffb"}', "app.vendor"),
    "blank at the end": ("oauth: {name: 'name '}", "oauth.name"),
    "unknown record": (f"sys_ids: {{oauth_entitty: {'a' * 32}}}", "sys_ids.oauth_entitty"),
    "no sys_id": ("sys_ids: {oauth_entity: abc}", "sys_ids.oauth_entity"),
    "unset variable": ("oauth: {name: '${env:SN_SMTP_NOT_SET}'}", "oauth.name"),
}


@pytest.mark.parametrize(("text", "path"), REFUSED.values(), ids=REFUSED.keys())
def test_a_value_that_is_not_accepted(
    tmp_path: Path, sn_smtp: Command, text: str, path: str
) -> None:
    root = write_root(tmp_path / "root", {"dev": ""})
    lead = "" if "instance" in text else "instance: {url: https://acme.example.com}\n"
    write_environment(root, "dev", f"# a comment\n{lead}{text}\n")
    fault = fault_of(root, sn_smtp)
    assert fault["path"] == path
    assert fault["line"] == (2 if "instance" in text else 3)


def test_a_lone_surrogate(tmp_path: Path, sn_smtp: Command) -> None:
    root = write_root(tmp_path / "root", {"dev": ""})
    write_environment(root, "dev", 'oauth: {comments: "a\\ud800b"}\n')
    answer = refused(root, sn_smtp)
    assert "environment.yaml:2" in answer.err


def test_every_fault_of_every_file_at_once(tmp_path: Path, sn_smtp: Command) -> None:
    bad = COMMON.replace("release: xanadu", "release: xandau")
    root = write_root(tmp_path / "root", {"dev": "layuot: 1\n", "test": "prot: 1\n"}, common=bad)
    before = snapshot(root)
    answer = sn_smtp("render", "--all", "--root", root)
    assert answer.code == 2
    assert snapshot(root) == before
    for said in ("Did you mean xanadu", "layuot", "Did you mean layout", "prot"):
        assert said in answer.err
    assert answer.err.count("xanadu, yokohama") == 1


# ---- values that are odd and accepted ----

ACCEPTED = {
    "markup": ODD,
    "the end of CDATA": "]]>]]>",
    "Jinja": "{{ config }}{% for x in y %}{# c #}",
    "right to left": "שלום مرحبا",
    "composed": "é é 日本語 😀",
    "entity": "&amp; &#x41; &lt;",
    "only digits": "12345",
    "stand-ins as text": "\\x01 \\u0002 $1 ${",
    "backslashes": "\\1 \\g<0> %s %(a)s",
    "path": "../../etc/passwd",
    "xml": "<!DOCTYPE x><![CDATA[x",
    "record": '</name><client_id action="DELETE">',
}


def quoted(value: str) -> str:
    """A YAML text; `${` has to be written `$${`."""
    return json.dumps(value.replace("${", "$${"), ensure_ascii=False)


@pytest.mark.parametrize("value", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_an_odd_value_arrives_as_it_is(tmp_path: Path, sn_smtp: Command, value: str) -> None:
    given = quoted(value)
    root = write_root(tmp_path / "root", {"dev": ""})
    write_environment(
        root,
        "dev",
        f"app: {{name: {given}, vendor: {given}}}\n"
        f"oauth: {{name: {given}, comments: {given}}}\n"
        f"email_account: {{name: {given}, label: {given}}}\nauthor: {given}\n",
    )
    answer = sn_smtp("render", "dev", "--root", root)
    assert answer.code == 0, answer.err
    files = snapshot(root / "dev")
    entity = texts(record_file(files, "oauth_entity"))
    assert (entity["name"], entity["comments"], entity["sys_created_by"]) == (value,) * 3
    account = texts(record_file(files, "sys_email_account"))
    assert (account["name"], account["email_user_label"]) == (value, value)
    app = texts(record_file(files, "sys_app"))
    assert (app["name"], app["vendor"]) == (value, value)
    found = shipped(files)
    assert {s.name for s in found.sets} == {f"{value} 1.0.0 (dev)"}
    assert {u.display("application") for u in found.updates} == {value, "Global"}
    (file,) = set_files(files)
    report = lint_file(root / "dev" / file, ours=True)
    assert not report.worst_reaches(Severity.ERROR), report.findings
    assert sn_smtp("render", "dev", "--check", "--root", root).code == 0


def test_line_ends_in_comments_are_kept(tmp_path: Path, sn_smtp: Command) -> None:
    root = write_root(tmp_path / "root", {"dev": 'oauth: {comments: "a\\r\\nb\\tc\\rd\\n\\n"}\n'})
    assert sn_smtp("render", "dev", "--root", root).code == 0
    files = snapshot(root / "dev")
    data = record_file(files, "oauth_entity")
    assert texts(data)["comments"] == "a\r\nb\tc\rd\n\n"
    assert b"a&#13;\nb\tc&#13;d\n\n</comments>" in data
    (update,) = [u for u in shipped(files).updates if u.name.startswith("oauth_entity_4268")]
    assert "a&#13;\nb\tc&#13;d\n\n</comments>" in update.payload


# ---- roots ----


def test_two_environments_of_one_instance(tmp_path: Path, sn_smtp: Command) -> None:
    same = "instance: {url: https://acme.example.com}\n"
    upper = "instance: {url: https://ACME.example.COM}\n"
    scope = "app: {scope: x_acme_other}\n"
    root = write_root(tmp_path / "root", {"one": same, "two": upper})
    answer = refused(root, sn_smtp, "one")
    assert "integration" in answer.err
    assert "app.scope" in answer.err
    assert "https://acme.example.com" in answer.err
    assert str(root / "two" / "environment.yaml") in answer.err
    for text, path in ((scope, "integration"), ("integration: second\n", "app.scope")):
        write_environment(root, "two", upper + text)
        before = snapshot(root)
        answer = sn_smtp("render", "--all", "--root", root, "--json")
        assert answer.code == 2
        assert {fault["path"] for fault in json.loads(answer.out)["errors"]} == {path}
        assert snapshot(root) == before
    write_environment(root, "two", upper + scope + "integration: second\n")
    assert sn_smtp("render", "--all", "--root", root).code == 0
    ids = [{e["sys_id"] for e in _manifest(root, name)["sets"]} for name in ("one", "two")]
    assert not ids[0] & ids[1]
    records = [set(_manifest(root, name)["records"]) for name in ("one", "two")]
    assert not records[0] & records[1]


def _manifest(root: Path, name: str) -> dict[str, dict[str, object]]:
    return json.loads((root / name / "manifest.json").read_bytes())


@pytest.mark.parametrize("name", ["dev", "Dev"])
def test_two_environments_equal_but_for_case(tmp_path: Path, sn_smtp: Command, name: str) -> None:
    root = write_root(tmp_path / "root", {"dev": "", "test": ""})
    (root / "Dev").mkdir()
    if (root / "Dev" / "environment.yaml").exists():
        pytest.skip("this file system does not tell case")
    write_environment(root, "Dev", "")
    answer = refused(root, sn_smtp, name)
    assert "equal but for case" in answer.err
    assert sn_smtp("render", "--all", "--root", root).code == 2
    assert sn_smtp("render", "test", "--root", root).code == 0


def test_adopting_a_sys_id_of_another_record(tmp_path: Path, sn_smtp: Command) -> None:
    taken = "bf539c3b7955596b87460b3ca1f61735"
    root = write_root(tmp_path / "root", {"dev": f"sys_ids: {{oauth_entity: {taken}}}\n"})
    answer = refused(root, sn_smtp)
    assert "sys_ids.oauth_entity" in answer.err
    assert "sys_email_account" in answer.err


# ---- canaries ----

PLACES = {
    "app name": "app: {{name: '{canary}'}}",
    "vendor": "app: {{vendor: '{canary}'}}",
    "oauth name": "oauth: {{name: '{canary}'}}",
    "comments": "oauth: {{comments: 'see {canary} there'}}",
    "account name": "email_account: {{name: '{canary}'}}",
    "label": "email_account: {{label: 'x {canary} y'}}",
    "user name": "email_account: {{user_name: '{canary}@contoso.example'}}",
    "author": "author: '{canary}'",
    "source": "azure: {{client_secret_from: '{canary}'}}",
    "unknown key": "{canary}: 1",
    "nested key": "azure: {{'{canary}': 1}}",
    "named like one": "azure: {{client_secret: '{canary}'}}",
    "sys_ids key": "sys_ids: {{'{canary}': 0123456789abcdef0123456789abcdef}}",
    "sys_ids value": "sys_ids: {{oauth_entity: '{canary}'}}",
    "scope": "azure: {{endpoints: {{scope: 'https://{canary}/.default'}}}}",
    "variable": "oauth: {{name: '${{env:SN_SMTP_CANARY}}'}}",
    "release": "release: '{canary}'",
    "comment": "# {canary}",
}


def entra_secret() -> str:
    """Composed, so that no tracked file holds one."""
    return "aB1" + "8Q~" + "canaryCANARY" + "z" * 22


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
def test_a_secret_reaches_no_output(
    tmp_path: Path, sn_smtp: Command, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    canary = entra_secret()
    monkeypatch.setenv("SN_SMTP_CANARY", canary)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    root = write_root(tmp_path / "root", {"dev": place.format(canary=canary) + "\n"})
    for options in ((), ("--json",), ("-v", "--dry-run")):
        answer = sn_smtp("render", "dev", "--root", root, *options)
        assert "canary" not in answer.said.lower()
        assert answer.code == 2
        assert "This is a bug" not in answer.said
    for name, data in snapshot(root).items():
        if not name.endswith("environment.yaml"):
            assert b"canary" not in data.lower(), name
    assert not (tmp_path / "state").exists()


SAMPLES = ("az_ad_app_credential_reset.json", "terraform_output.json", "graph_add_password.json")


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_secret_in_azure_s_outputs_is_dropped(
    tmp_path: Path, sn_smtp: Command, shared: Path, sample: str
) -> None:
    canary = entra_secret()
    outputs = (shared / "samples" / "azure" / sample).read_text(encoding="utf-8-sig")
    body = json.loads(outputs)
    planted = _planted(body, canary)
    assert planted
    common = COMMON.split("azure:")[0]
    root = write_root(tmp_path / "root", {"dev": ""}, common=common)
    (root / "dev" / "azure.json").write_text(json.dumps(body), encoding="utf-8")
    for options in ((), ("--json",), ("-v",)):
        answer = sn_smtp("render", "dev", "--root", root, *options)
        assert "canary" not in answer.said.lower()
        assert "This is a bug" not in answer.said
    for name, data in snapshot(root).items():
        if not name.endswith("azure.json"):
            assert b"canary" not in data.lower(), name


def _planted(node: object, canary: str) -> int:
    """Put the canary wherever Azure's tools put the secret."""
    found = 0
    items = node.items() if isinstance(node, dict) else enumerate(node)  # type: ignore[arg-type]
    for key, value in list(items):
        if isinstance(value, str) and str(key) in ("password", "secretText", "client_secret"):
            node[key] = canary  # type: ignore[index]
            found += 1
        elif key == "client_secret" and isinstance(value, dict):
            value["value"] = canary
            found += 1
        elif isinstance(value, dict | list):
            found += _planted(value, canary)
    return found


def test_a_moment_that_is_none(tmp_path: Path, sn_smtp: Command) -> None:
    root = write_root(tmp_path / "root", {"dev": ""})
    for epoch in (-1, EPOCH * 1000):
        answer = sn_smtp("render", "dev", "--root", root, epoch=epoch)
        assert answer.code == 2
        assert "SOURCE_DATE_EPOCH" in answer.err
