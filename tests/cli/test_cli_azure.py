"""`sn-smtp azure read`: what was understood, from where, and never a secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_calls import Call, Conforms, tree

TENANT = "3a5f0c7e-91b2-4c8d-a6e4-7b8c9d0e1f20"
CLIENT = "b1f6c9a2-7d34-4e0b-8c55-91a2e3d4f601"


@pytest.fixture
def terraform(tmp_path: Path) -> Path:
    """What `terraform output -json` prints."""
    return _write(tmp_path / "azure.json", tenant_id=TENANT, client_id=CLIENT)


def _write(path: Path, **outputs: str) -> Path:
    values = {name: {"sensitive": False, "value": value} for name, value in outputs.items()}
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


def test_says_each_value_and_where_it_came_from(terraform: Path, sn_smtp: Call) -> None:
    said = sn_smtp("azure", "read", terraform)

    assert (said.code, said.err) == (0, "")
    (line,) = [line for line in said.out.splitlines() if "(tenant) ID" in line]
    assert TENANT in line
    assert f"{terraform}: tenant_id.value" in line
    (line,) = [line for line in said.out.splitlines() if "(client) ID" in line]
    assert CLIENT in line
    assert f"{terraform}: client_id.value" in line


def test_json_holds_the_same(terraform: Path, sn_smtp: Call, conforms: Conforms) -> None:
    envelope = conforms(sn_smtp("azure", "read", terraform, "--json"), "azure read")

    assert envelope["ok"] is True
    result = envelope["result"]
    assert result["tenant_id"] == {
        "value": TENANT,
        "file": str(terraform),
        "path": "tenant_id.value",
    }
    assert result["client_id"]["value"] == CLIENT
    assert result["service_principal_object_id"] is None


def test_files_are_read_together(terraform: Path, sn_smtp: Call, conforms: Conforms) -> None:
    other = _write(terraform.parent / "more.json", client_id=CLIENT.upper())

    envelope = conforms(sn_smtp("azure", "read", terraform, other, "--json"), "azure read")

    assert envelope["result"]["client_id"]["value"] == CLIENT


def test_two_applications_are_an_error_not_a_choice(
    terraform: Path, sn_smtp: Call, conforms: Conforms
) -> None:
    other = _write(
        terraform.parent / "other.json",
        tenant_id=TENANT,
        client_id="c2e7d0b3-8e45-4f1c-9d66-a2b3f4e5a702",
    )

    said = sn_smtp("azure", "read", terraform, other)
    assert said.code == 2
    assert said.out == ""
    assert CLIENT in said.err
    assert "next: " in said.err

    envelope = conforms(sn_smtp("azure", "read", terraform, other, "--json"), "azure read")
    assert envelope["result"] is None
    assert {error["file"] for error in envelope["errors"]} <= {str(terraform), str(other)}


@pytest.mark.parametrize("content", [b"", b"not json", b"[]", b"\xff\xfe\x00", b'{"a": '])
def test_what_is_not_understood_exits_2_with_the_file(
    tmp_path: Path, sn_smtp: Call, conforms: Conforms, content: bytes
) -> None:
    file = tmp_path / "azure.json"
    file.write_bytes(content)

    said = sn_smtp("azure", "read", file)
    assert said.code == 2
    assert said.out == ""
    assert str(file) in said.err
    assert "next: " in said.err

    conforms(sn_smtp("azure", "read", file, "--json"), "azure read")


def test_a_missing_file_exits_2(tmp_path: Path, sn_smtp: Call, conforms: Conforms) -> None:
    envelope = conforms(sn_smtp("azure", "read", tmp_path / "no.json", "--json"), "azure read")

    assert envelope["exit_code"] == 2
    assert envelope["errors"][0]["file"] == str(tmp_path / "no.json")


def test_no_file_at_all_is_a_usage_error(sn_smtp: Call, conforms: Conforms) -> None:
    assert sn_smtp("azure", "read").code == 2
    assert conforms(sn_smtp("azure", "read", "--json"), "azure read")["errors"][0]["code"] == (
        "usage"
    )


@pytest.mark.parametrize("options", [(), ("-v",), ("--json",), ("-q",)])
def test_a_secret_in_an_input_is_told_and_never_printed(
    tmp_path: Path, sn_smtp: Call, options: tuple[str, ...]
) -> None:
    secret = "abc" + "8Q~" + "x" * 34
    file = _write(tmp_path / "azure.json", tenant_id=TENANT, client_id=CLIENT, client_secret=secret)
    before = tree(tmp_path)

    said = sn_smtp("azure", "read", file, *options)

    assert said.code == 0
    assert secret not in said.out + said.err
    assert "xxxx" not in said.out + said.err
    if options == ("-q",):
        assert said.err == ""
    else:
        assert said.err.startswith("warning: ")
        assert "client_secret.value" in said.err
    assert "warning: " not in said.out
    assert tree(tmp_path) == before


def test_a_piped_line_is_a_row_whatever_the_width(
    terraform: Path, sn_smtp: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")

    assert f"{terraform}: tenant_id.value" in sn_smtp("azure", "read", terraform).out


def test_a_terminal_gets_lines_of_its_width_with_nothing_cut(
    terraform: Path, sn_smtp: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)

    out = sn_smtp("azure", "read", terraform).out

    assert max(map(len, out.splitlines())) <= 70
    assert "Directory" in out
    assert TENANT[:8] in out
    assert "…" not in out


UNUSABLE = [
    (
        {"appId": CLIENT, "id": TENANT, "web": {"redirectUris": []}},
        "service_principal_object_id",
        "New-ServicePrincipal",
    ),
    ({"client_id": CLIENT, "object_id": TENANT}, "service_principal_object_id", "Exchange Online"),
    ({"application_id": CLIENT}, "client_id", "render needs azure.client_id"),
    (
        {
            "appId": CLIENT,
            "id": TENANT,
            "servicePrincipalType": "Application",
            "passwordCredentials": [
                {"keyId": f"{key * 8}{TENANT[8:]}", "endDateTime": "2099-01-01T00:00:00Z"}
                for key in "ab"
            ],
        },
        "secret_expires_on",
        "render needs azure.secret_expires_on",
    ),
]


@pytest.mark.parametrize(("document", "concern", "words"), UNUSABLE)
def test_what_cannot_be_used_does_not_read_as_understood(
    tmp_path: Path,
    sn_smtp: Call,
    conforms: Conforms,
    document: dict[str, object],
    concern: str,
    words: str,
) -> None:
    file = tmp_path / "azure.json"
    file.write_text(json.dumps(document), encoding="utf-8")

    said = sn_smtp("azure", "read", file)
    assert said.code == 0
    assert "error:" not in said.err
    (line,) = [line for line in said.err.splitlines() if line.startswith("not usable: ")]
    assert words in line
    assert str(file) in line

    # Nor where messages are not shown.
    quiet = sn_smtp("azure", "read", file, "-q")
    assert quiet.err == ""
    (row,) = [row for row in quiet.out.splitlines() if "not usable" in row]
    assert str(file) in row

    result = conforms(sn_smtp("azure", "read", file, "--json"), "azure read")["result"]
    assert result["unusable"] == [concern]
    assert result[concern] is None


def test_what_is_all_usable_says_so(terraform: Path, sn_smtp: Call, conforms: Conforms) -> None:
    envelope = conforms(sn_smtp("azure", "read", terraform, "--json"), "azure read")
    assert envelope["result"]["unusable"] == []
    assert "not usable" not in sn_smtp("azure", "read", terraform).out


def test_one_id_for_two_objects_is_an_error(
    tmp_path: Path, sn_smtp: Call, conforms: Conforms
) -> None:
    file = _write(
        tmp_path / "azure.json",
        client_id=CLIENT,
        application_object_id=TENANT,
        service_principal_object_id=TENANT,
    )

    said = sn_smtp("azure", "read", file)
    assert said.code == 2
    assert said.err.count("two objects cannot share an id") == 1
    assert said.err.startswith(f"error: {file}: service_principal_object_id.value: ")
    assert "  next: ask Entra" in said.err
    assert CLIENT in said.out

    envelope = conforms(sn_smtp("azure", "read", file, "--json"), "azure read")
    assert (envelope["ok"], envelope["exit_code"]) == (False, 2)
    assert [error["code"] for error in envelope["errors"]] == ["object-ids-equal"]
    assert envelope["result"]["unusable"] == ["service_principal_object_id"]
