"""`SUMMARY.md`: the warning on top, every record with its purpose, and no name that is markup."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from markdown_it import MarkdownIt
from packages import LATER, START, TEMPLATES, in_memory, set_files

from generator.config.environment import Authorization, Environment, Layout
from generator.integration.integration import integrate
from generator.report.summary import Left, SetInFile, Summaries

Make = Callable[..., Environment]
ROWS = re.compile(r"(?<!\\)\|")

HOSTILE = [
    "a | b || c",
    "`code` ``more``",
    "<script>alert(1)</script> <!-- x",
    "[text](https://evil.example) ![i](x)",
    "**bold** __b__ ~~s~~ # head",
    "back\\slash \\| pipe \\",
    "&lt;b&gt; &amp; {{ 7 * 7 }} {% x %}",
    "שלום עולם مرحبا",
]


def summary(environment: Environment) -> str:
    return in_memory(environment).files["SUMMARY.md"].decode()


def tables(text: str) -> list[list[list[str]]]:
    """Every table of the text: rows of cells, with escaped pipes left inside their cell."""
    found: list[list[list[str]]] = []
    inside = False
    for line in text.split("\n"):
        if not line.startswith("|"):
            inside = False
            continue
        if not inside:
            found.append([])
        inside = True
        cells = [cell.strip() for cell in ROWS.split(line)]
        assert (cells[0], cells[-1]) == ("", ""), line
        found[-1].append(cells[1:-1])
    return found


def render(environment: Environment, left: Sequence[Left] = ()) -> str:
    integration = integrate(environment)
    sets = tuple(SetInFile(contents, "file.xml", 1) for contents in integration.sets)
    rendered = Summaries(TEMPLATES).render(
        environment,
        integration,
        sets=sets,
        build_time="2026-11-23 12:00:00",
        left=tuple(left),
    )
    return rendered.decode()


# ---- the cut-over ----


def test_before_the_cut_over_the_warning_is_the_first_thing_said(environment: Make) -> None:
    text = summary(environment(email_account__name="Outbound"))
    top = text.split("\n## ")[0].split("\n\n")
    assert top[0] == "# Mail OAuth 1.0.0 (dev)"
    assert top[2].startswith("> **Never import this by hand where the account Outbound")
    assert "already\n> active:**" in top[2]
    assert "`email_account.live: true`" in top[2]
    assert "then set `email_account.live: true`" in text.split("## What stays manual")[1]


def test_after_it_the_warning_is_gone(environment: Make) -> None:
    text = summary(environment(email_account__live=True))
    assert "Never import" not in text
    assert "**The cut-over has happened**" in text
    assert "Deactivate the old one" not in text
    (row,) = [line for line in text.split("\n") if line.startswith("| `sys_email_account`")]
    assert "Not in an update set." in row
    assert "active:" not in row


# ---- every record ----


@pytest.mark.parametrize("live", [True, False])
def test_every_record_is_listed_once_with_purpose_and_file(environment: Make, live: bool) -> None:
    made = environment(email_account__live=live)
    text = summary(made)
    for record in integrate(made).records():
        path = f"records/{record.table}/{record.sys_id}.xml"
        (row,) = [line for line in text.split("\n") if f"]({path})" in line]
        assert row.startswith(f"| `{record.table}` | [")
        assert record.purpose in row


def test_links_lead_to_files_of_the_package(environment: Make) -> None:
    for layout in Layout:
        files = in_memory(environment(layout=layout)).files
        links = re.findall(r"\]\(([^)]+)\)", files["SUMMARY.md"].decode())
        assert set(links) <= set(files)
        assert set(links) == {
            name for name in files if name.startswith(("records/", "sys_remote_update_set_"))
        }


def test_the_values_that_matter(environment: Make) -> None:
    text = summary(environment(azure__service_principal_object_id="5" * 8))
    assert "ends 2027-11-20 09:15:00 UTC" in text
    assert "port 587, starttls" in text
    assert "`7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b`" in text
    assert "`2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f`" in text
    assert "https://login.microsoftonline.com/7f1d2c3b" in text
    assert "**enterprise application** (`55555555`)" in text
    assert "from: (the user name)" in text
    assert "| From |" not in text
    assert "(SendAs)" not in text
    other = summary(environment(email_account__from_address="desk@a.example"))
    assert "| From | desk@a.example |" in other
    assert "(SendAs) on desk@a.example every message is refused" in other
    same = summary(environment(email_account__from_address="ServiceNow@contoso.example"))
    assert "(SendAs)" not in same


def test_a_secret_that_had_ended_is_said(environment: Make) -> None:
    ended = datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert "had ended before this package" in summary(environment(azure__secret_expires_on=ended))
    later = ended + timedelta(seconds=1)
    assert "had ended" not in summary(environment(azure__secret_expires_on=later))


def test_an_unknown_service_principal_is_asked_for(environment: Make) -> None:
    text = summary(environment())
    assert "`az ad sp show --id 2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f --query id`" in text


def test_an_unknown_end_of_the_secret_is_said(environment: Make) -> None:
    text = summary(environment(azure__secret_expires_on=None))
    assert "its end is not known" in text
    assert "value: (empty)" in text


def test_nothing_is_said_of_where_the_secret_is(environment: Make) -> None:
    source = "file:/run/canary/of/the/secret"
    rendering = in_memory(environment(azure__client_secret_from=source))
    for name, data in rendering.files.items():
        assert b"canary" not in data, name


# ---- layouts, authorisation, what is gone ----


def test_one_batch_is_one_file(environment: Make) -> None:
    files = in_memory(environment()).files
    text = files["SUMMARY.md"].decode()
    (file,) = set_files(files)
    assert "One file, one batch" in text
    rows = tables(text)[1][2:]
    assert [(row[0], row[3], row[4]) for row in rows] == [
        ("1", "5", f"[{file}]({file})"),
        ("2", "31", f"[{file}]({file})"),
    ]


def test_separate_files_are_listed_in_the_order_of_import(environment: Make) -> None:
    rendering = in_memory(environment(layout=Layout.SEPARATE))
    text = rendering.files["SUMMARY.md"].decode()
    assert "preview and commit the first before the second" in text
    rows = tables(text)[1][2:]
    first, second = (entry.file for entry in rendering.manifest.sets)
    assert first != second
    assert [row[4] for row in rows] == [f"[{first}]({first})", f"[{second}]({second})"]
    assert rows[0][2] == "Global (`global`)"
    assert rows[1][2] == "Mail OAuth (`x_acme_mail`)"


def test_the_azure_side_follows_the_model_of_authorisation(environment: Make) -> None:
    role = summary(environment())
    rbac = summary(environment(azure__authorization=Authorization.APP_RBAC))
    assert "`SMTP.SendAsApp` (Office 365 Exchange Online) with admin consent" in role
    assert "`Add-MailboxPermission`" in role
    assert "no `SMTP.SendAsApp` permission; the application uses App RBAC" in rbac
    assert "`Application SMTP.SendAsApp` whose scope holds the mailbox" in rbac
    assert "Add-MailboxPermission" not in rbac
    assert "admin consent" not in rbac


def test_records_that_are_gone_are_named(environment: Make) -> None:
    both = [Left("Old | <script>", "a_1", deleted=True), Left("Former", "b_2", deleted=False)]
    text = render(environment(), both)
    deleted = text.split("## Deleted by this package")[1].split("## ")[0]
    left = text.split("## Left behind")[1].split("## ")[0]
    assert "- Old \\| \\<script\\> (`a_1`)" in deleted
    assert "- Former (`b_2`)" in left
    assert "b_2" not in deleted
    assert "a_1" not in left
    assert "Left behind" not in render(environment(), both[:1])
    assert "Deleted by" not in render(environment(), both[1:])


# ---- names are no markup ----


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_a_table_or_becomes_markup(environment: Make, name: str) -> None:
    made = environment(
        app__name=name,
        app__vendor=name,
        oauth__name=name,
        oauth__comments=f"{name}\n| a | b |\n\n# head\n",
        email_account__name=name,
        email_account__label=name,
        email_account__user_name="a|b`c{d@contoso.example",
        email_account__from_address="_x_*y*@contoso.example",
    )
    text = summary(made)
    plain = summary(environment(email_account__from_address="b@contoso.example"))
    shape = [[len(row) for row in table] for table in tables(text)]
    assert shape == [[len(row) for row in table] for table in tables(plain)]
    headings = [line for line in text.split("\n") if re.match(r"#+ ", line)]
    plain_headings = [line for line in plain.split("\n") if re.match(r"#+ ", line)]
    assert [line.split(" ")[0] for line in headings] == [
        line.split(" ")[0] for line in plain_headings
    ]
    assert headings[0].count("(dev)") == 1
    # Every sign that could open markup is escaped wherever the name stands.
    escaped = re.sub(r"([\\`*_{}\[\]<>|#~&])", r"\\\1", name)
    assert escaped in text
    assert text.count(name) == (0 if escaped != name else text.count(escaped))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_reader_of_markdown_sees_the_name_itself(environment: Make, name: str) -> None:
    made = environment(app__name=name, oauth__name=name, email_account__name=name)
    rendering = in_memory(made)
    tokens = (
        MarkdownIt("commonmark")
        .enable(["table", "strikethrough"])
        .parse(rendering.files["SUMMARY.md"].decode())
    )
    inline = [token for token in tokens if token.type == "inline"]
    children = [child for token in inline for child in token.children or ()]
    # Line breaks inside cells are the only HTML, and files of the package the only links.
    assert {child.content for child in children if child.type == "html_inline"} == {"<br>"}
    assert not [token for token in tokens if token.type == "html_block"]
    assert not [child for child in children if child.type == "image"]
    links = {str(child.attrs["href"]) for child in children if child.type == "link_open"}
    assert links <= {*rendering.files, "https://acme-dev.service-now.com"}
    said = [
        "".join(child.content for child in token.children or () if child.type == "text")
        for token in inline
    ]
    assert said[0] == f"{name} 1.0.0 (dev)"
    assert f"Records of the application {name}" in said
    assert said.count(name) == 3


def test_rows_are_shared_only_while_they_say_the_same(environment: Make) -> None:
    summaries = Summaries(TEMPLATES)

    def say(made: Environment) -> str:
        integration = integrate(made)
        sets = tuple(SetInFile(contents, "f.xml", 1) for contents in integration.sets)
        return summaries.render(
            made, integration, sets=sets, build_time="2026-11-23 12:00:00", left=()
        ).decode()

    for number in range(80):
        live = number % 2 == 0
        made = environment(
            f"e{number}", email_account__name=f"Account {number}", email_account__live=live
        )
        text = say(made)
        assert f"name: Account {number}<br>" in text
        assert ("Not in an update set." in text) is live
    assert len(summaries._rows) <= 256


def test_the_same_record_in_and_out_of_a_set(environment: Make) -> None:
    summaries = Summaries(TEMPLATES)
    integration = integrate(environment())
    whole, app = (SetInFile(contents, "f.xml", 1) for contents in integration.sets)
    less = replace(whole, contents=replace(whole.contents, records=whole.contents.records[:-1]))
    said = [
        summaries.render(
            environment(),
            integration,
            sets=(first, app),
            build_time="2026-11-23 12:00:00",
            left=(),
        ).count(b"Not in an update set.")
        for first in (whole, less, whole)
    ]
    assert said == [0, 1, 0]


def test_only_the_build_time_is_of_the_clock(environment: Make) -> None:
    said = [in_memory(environment(), now).files["SUMMARY.md"].decode() for now in (START, LATER)]
    # What differs is the build time and, following from it, the sets' names.
    times = [re.sub(r"2026-11-2\d 12:00:00|update_set_[0-9a-f]{32}", "-", text) for text in said]
    assert said[0] != said[1]
    assert times[0] == times[1]
