"""Every rule is broken once, in a copy of a rendered package that breaks none."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from generator.checks.interface import Severity
from generator.checks.lint import RULES, LintReport

SECRET = "abc" + "8Q~" + "x" * 34
ID = "0123456789abcdef0123456789abcdef"


def swap(old: str, new: str, count: int = 1) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, count)


def sub(pattern: str, new: str, count: int = 1) -> Callable[[str], str]:
    return lambda text: re.sub(pattern, new, text, count=count, flags=re.DOTALL)


def in_row(table: str, old: str, new: str) -> Callable[[str], str]:
    """Edit the row of one table's first record."""

    named = f"<name>{table}_[0-9a-f]{{32}}</name>"

    def edit(text: str) -> str:
        rows = text.split("<sys_update_xml ")
        place = next(i for i, row in enumerate(rows) if re.search(named, row))
        assert old in rows[place], f"{old} is not in the row"
        rows[place] = rows[place].replace(old, new, 1)
        return "<sys_update_xml ".join(rows)

    return edit


def swap_first_children(text: str) -> str:
    return text.replace("<commit_date/>\n<deleted/>", "<deleted/>\n<commit_date/>")


def same_row_twice(text: str) -> str:
    start = text.index("<sys_update_xml ")
    end = text.index("</sys_update_xml>\n") + len("</sys_update_xml>\n")
    row = re.sub(
        r"<sys_id>([0-9a-f]{31}).</sys_id>\n<sys_mod",
        rf"<sys_id>{ID}</sys_id>\n<sys_mod",
        text[start:end],
    )
    return text[:end] + row + text[end:]


def identical_row(text: str) -> str:
    start = text.index("<sys_update_xml ")
    end = text.index("</sys_update_xml>\n") + len("</sys_update_xml>\n")
    return text[:end] + text[start:end] + text[end:]


def base_of(text: str) -> str:
    end = "</sys_remote_update_set>\n"
    return text[text.index("<sys_remote_update_set ") : text.index(end) + len(end)]


def row_named_as_its_record(text: str) -> str:
    found = re.search(r"<name>oauth_entity_([0-9a-f]{32})</name>", text)
    assert found is not None
    row = text.index("\n<sys_id>", found.end())
    return text[:row] + f"\n<sys_id>{found[1]}" + text[row + len("\n<sys_id>") + 32 :]


def special_handlers(text: str) -> str:
    """Rows as special handlers write them, under names that they would not have."""
    payloads = (
        '<sys_dictionary action="INSERT_OR_UPDATE" element="e" table="t"><sys_dictionary '
        'action="INSERT_OR_UPDATE"/></sys_dictionary>',
        '<sys_choice action="INSERT_OR_UPDATE" field="f" table="t"/>',
        '<sys_ui_list list_id="x"/>',
    )
    start = text.index("<sys_update_xml ")
    end = text.index("</sys_update_xml>\n") + len("</sys_update_xml>\n")
    rows = [
        re.sub(
            "<record_update.*</record_update>",
            f"<record_update>{payload}</record_update>",
            text[start:end],
        )
        for payload in payloads
    ]
    return text[:end] + "".join(rows) + text[end:]


def second_account(text: str) -> str:
    rows = text.split("<sys_update_xml ")
    row = next(row for row in rows if "<name>sys_email_account_" in row)
    found = re.search(r"<name>sys_email_account_([0-9a-f]{32})", row)
    assert found is not None
    other = row.replace(found[1], ID)
    return "<sys_update_xml ".join([*rows[:2], other, *rows[2:]])


def without_rows_of_app(text: str) -> str:
    head, *rows = text.split("<sys_update_xml ")
    kept = [row for row in rows if '<application display_value="Global">' in row]
    return "<sys_update_xml ".join([head, *kept]).rstrip().removesuffix("</unload>") + "</unload>\n"


def without(table: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        head, *rows = text.split("<sys_update_xml ")
        kept = [row for row in rows if not re.search(f"<name>{table}_[0-9a-f]{{32}}<", row)]
        whole = "<sys_update_xml ".join([head, *kept])
        # Rows stand in the order of their hashes: the one left out may be the last.
        return whole if "</unload>" in whole else f"{whole}</unload>\n"

    return edit


def escaped_payload(text: str) -> str:
    start = text.index("<payload><![CDATA[")
    end = text.index("]]></payload>")
    plain = text[start + len("<payload><![CDATA[") : end]
    escaped = plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text[:start] + "<payload>" + escaped + text[end + len("]]>") :]


def base_once(text: str) -> str:
    first = text.index("<sys_remote_update_set ")
    second = text.index("<sys_remote_update_set ", first + 1)
    return text[:first] + text[second:]


def hundred_faults(text: str) -> str:
    """More than 200 breaches of one rule."""
    start = text.index("<sys_update_xml ")
    end = text.index("</sys_update_xml>\n", start) + len("</sys_update_xml>\n")
    row = text[start:end].replace("<category>customer", "<category>other")
    return text[:end] + row * 210 + text[end:]


def other_set(text: str) -> str:
    """A record of the app refers to the entity, which is in the base set."""
    found = re.search(r"<name>oauth_entity_([0-9a-f]{32})</name>", text)
    assert found is not None
    edit = in_row(
        "sys_user_role",
        "<sys_policy/>",
        f'<encryption_context display_value="E">{found[1]}</encryption_context><sys_policy/>',
    )
    return edit(text)


ACCOUNT = "sys_email_account"
ENTITY = "oauth_entity"
NOTIFICATION = "sysevent_email_action"

BREACHES: list[tuple[str, Callable[[str], str]]] = [
    ("F1", lambda text: "\ufeff" + text),
    ("F1", swap("<category>", "\r<category>")),
    ("F1", swap('encoding="UTF-8"', 'encoding="utf8"')),
    ("F1", swap("</unload>", "")),
    ("F1", swap("?><unload", "?><!DOCTYPE unload [<!ENTITY a 'b'>]><unload")),
    ("F2", swap("?><unload", "?>\n<unload")),
    ("F3", sub('unload_date="[^"]*"', 'unload_date="now"')),
    ("F3", sub('unload_date="[^"]*"', 'unload_date="2026-13-01 00:00:00"')),
    ("F3", lambda text: text.replace("<unload ", "<export ").replace("</unload>", "</export>")),
    ("F4", swap("</unload>", "<other/>\n</unload>")),
    ("F4", lambda text: text[: text.index("<sys_update_xml ")] + "</unload>\n"),
    ("F4", sub("<sys_remote_update_set .*</sys_remote_update_set>\n", "")),
    ("F5", swap("\n<category>", "\n  <category>")),
    ("F5", swap("<view/>", "<view></view>")),
    ("F5", swap("<commit_date/>", "<commit_date></commit_date>")),
    ("F5", swap("<view/>", "<view/><!-- x -->")),
    ("F5", swap("<commit_date/>", "<commit_date/><!-- x -->")),
    ("F5", swap("</unload>", "<!-- x --></unload>")),
    ("F5b", lambda text: text.removesuffix("\n")),
    ("S1", swap("<collisions/>\n", "")),
    ("S1", swap("<collisions/>\n", "<collisions/>\n<collisions/>\n")),
    ("S1", swap("<collisions/>\n", "<collisions/>\n<colour/>\n")),
    ("S1", swap_first_children),
    ("S1", swap('<update_source display_value=""/>', "<update_source/>")),
    ("S2", sub("<remote_sys_id>[0-9a-f]{32}", "<remote_sys_id>x")),
    ("S3", swap("<state>loaded", "<state>committed")),
    ("S3", sub('<parent display_value="[^"]+">[^<]*</parent>', '<parent display_value=""/>')),
    ("S4", swap("<inserted/>", "<inserted>1</inserted>")),
    ("S4", swap("<sys_class_name>sys_remote_update_set", "<sys_class_name>sys_update_set")),
    (
        "S5",
        swap(
            '<application display_value="Global">global',
            '<application display_value="Global">Global',
        ),
    ),
    ("S5", swap("<application_name>Global", "<application_name>World")),
    ("S5", swap("<application_scope>global", "<application_scope>x_acme")),
    ("S5", swap("<application_version/>", "<application_version>1</application_version>")),
    ("S6", swap("<sys_updated_by>admin", "<sys_updated_by>other")),
    ("S6", sub("<sys_created_on>[^<]*", "<sys_created_on>2020-01-01 00:00:00")),
    ("S6", sub("<sys_created_on>[^<]*", "<sys_created_on>today")),
    ("S6b", sub("<sys_created_on>[^<]*", "<sys_created_on>2036-01-01 00:00:00")),
    ("S7", without_rows_of_app),
    ("S8", sub("<name>[^<]*</name>", "<name/>")),
    ("S9", swap("<description>", "<description>Other: ")),
    ("B1", swap("<state>in_hierarchy", "<state>loaded")),
    ("B1", sub('(<parent display_value="[^"]+">)[0-9a-f]{32}', rf"\g<1>{ID}")),
    ("B1", sub('<parent display_value="[^"]+">', '<parent display_value="Other">')),
    ("B1", sub('(<parent display_value=)""/>', r'\1"A">a</parent>')),
    ("B1", lambda text: text.replace("<state>loaded", "<state>in_hierarchy")),
    (
        "B1",
        lambda text: re.sub(
            "<remote_base_update_set d.*?</remote_base_update_set>",
            '<remote_base_update_set display_value=""/>',
            text,
            count=2,
        ),
    ),
    (
        "S9",
        lambda text: text.replace("<sys_remote_update_set ", "<sys_remote_update_set ", 1).replace(
            base_of(text), base_of(text) * 2, 1
        ),
    ),
    ("B1b", base_once),
    ("R1", swap("<category>customer</category>\n", "")),
    ("R1", sub('<update_set display_value=""/>(?=\n<view)', "<update_set/>")),
    (
        "R2",
        sub('<remote_update_set display_value="[^"]*">', '<remote_update_set display_value="x">'),
    ),
    ("R2", sub("(<remote_update_set [^>]*>)[0-9a-f]{32}", rf"\g<1>{ID}")),
    (
        "R2",
        sub(
            "<remote_update_set [^>]*>[^<]*</remote_update_set>",
            '<remote_update_set display_value=""/>',
        ),
    ),
    ("R3", swap("<category>customer", "<category>other")),
    ("R3", sub("\n<action>INSERT_OR_UPDATE", "\n<action>UPDATE")),
    (
        "R3",
        sub(
            '<update_set display_value=""/>(?=\n<view)',
            f'<update_set display_value="x">{ID}</update_set>',
        ),
    ),
    ("R3", swap("<view/>", "<view>Default view</view>")),
    ("R3b", swap("<comments/>", "<comments>x</comments>")),
    (
        "R4",
        sub(
            "<sys_id>[0-9a-f]{32}(?=</sys_id>\n<sys_mod_count>0</sys_mod_count>\n<sys_rec)",
            "<sys_id>x",
        ),
    ),
    ("R4", identical_row),
    ("R4", row_named_as_its_record),
    ("P7", special_handlers),
    ("X3", in_row(ENTITY, "<target_name>", f"<target_name>{SECRET} ")),
    ("R5", same_row_twice),
    (
        "R6",
        in_row(
            ENTITY,
            '<application display_value="Global">global',
            f'<application display_value="Global">{ID}',
        ),
    ),
    (
        "R6",
        in_row(
            "sys_app",
            '<application display_value="Mail OAuth">',
            '<application display_value="Mail OAuth">0',
        ),
    ),
    (
        "R7",
        in_row(
            "sys_app",
            '<application display_value="Mail OAuth">',
            '<application display_value="Mail OAuth">0',
        ),
    ),
    ("C1", in_row(ACCOUNT, ">global</application>", f">{ID}</application>")),
    ("C2", without("sys_app")),
    ("R8", sub("<sys_recorded_at>[^<]*", "<sys_recorded_at>now")),
    ("R8", sub("<sys_recorded_at>[^<]*</sys_recorded_at>", "<sys_recorded_at/>")),
    ("R8", sub("<sys_recorded_at>[^<]*", "<sys_recorded_at>ffffffffff50000001")),
    ("R8", in_row(ENTITY, "\n<sys_created_on>20", "\n<sys_created_on>10")),
    ("R8", in_row(ENTITY, "\n<sys_created_on>20", "\n<sys_created_on>x")),
    ("R8", in_row(ENTITY, "\n<sys_updated_on>20", "\n<sys_updated_on>10")),
    ("R8", in_row(ENTITY, "\n<sys_created_by>admin", "\n<sys_created_by>other")),
    ("R8", in_row(ENTITY, "\n<sys_updated_by>admin", "\n<sys_updated_by>other")),
    (
        "R9",
        lambda text: re.sub(
            r"(<sys_update_xml .*?</sys_update_xml>\n)(<sys_update_xml .*?</sys_update_xml>\n)",
            r"\2\1",
            text,
            count=1,
            flags=re.DOTALL,
        ),
    ),
    ("R10", swap("<type>Application Registries", "<type>Application Registry")),
    ("R11", swap("<update_guid/>", f"<update_guid>{ID}</update_guid>")),
    ("R11b", swap("<update_guid_history/>", f"<update_guid_history>{ID}:1</update_guid_history>")),
    ("R12b", in_row(ENTITY, "<table/>", "<table>incident</table>")),
    ("R12b", in_row(NOTIFICATION, "\n<table>sys_email_account", "\n<table>incident")),
    ("R12b", in_row(NOTIFICATION, "\n<table>sys_email_account</table>", "\n<table/>")),
    ("R12", in_row(ENTITY, "<table/>", "<table>oauth_entity</table>")),
    ("R13", sub("<target_name>[^<]*</target_name>", "<target_name/>")),
    ("R13b", in_row(ENTITY, "<target_name>", "<target_name>Other ")),
    ("R13b", in_row("sys_app", "<target_name>", "<target_name>Other ")),
    ("P1", escaped_payload),
    ("P2", sub(r'<!\[CDATA\[<\?xml version="1.0" encoding="UTF-8"\?>', "<![CDATA[")),
    ("P2", in_row(ENTITY, "<auth_url/>", "<auth_url></auth_url>")),
    ("P2", in_row(ENTITY, "<auth_url/>", "<auth_url>")),
    ("P2", in_row(ENTITY, "record_update", "update_record")),
    ("P2", sub(r"<payload>.*?</payload>", "<payload/>")),
    ("P2b", in_row(ENTITY, "<auth_url/>", "\n<auth_url/>")),
    (
        "P3",
        in_row(ENTITY, 'record_update table="oauth_entity"', 'record_update table="oauth_entitys"'),
    ),
    (
        "P3",
        in_row(ENTITY, '<oauth_entity action="INSERT_OR_UPDATE"', '<oauth_entity action="DELETE"'),
    ),
    (
        "P3",
        sub(
            r"<record_update table=\"oauth_entity\">.*?</record_update>",
            '<record_update table="oauth_entity"/>',
        ),
    ),
    ("P4", in_row(ENTITY, "<auth_url/><certificate_url/>", "<certificate_url/><auth_url/>")),
    ("P4b", in_row(ENTITY, "<auth_url/>", "<auth_url/><auth_url/>")),
    ("P5", in_row(ENTITY, "<record_update ", '<record_update sys_domain="global" ')),
    ("P6", in_row(ENTITY, "<sys_update_name>oauth_entity_", "<sys_update_name>oauth_entity_x")),
    ("P7", in_row(ENTITY, "<name>oauth_entity_", "<name>oauth_")),
    ("P7", in_row(ENTITY, "<sys_id>", "<sys_id>0")),
    ("P8", in_row(ENTITY, ' source="global"', "")),
    (
        "P8",
        in_row(
            ENTITY,
            '<sys_scope display_value="Global">',
            '<sys_scope display_value="Global" source="global">',
        ),
    ),
    ("P9", in_row(ENTITY, "<sys_updated_on>20", "<sys_updated_on>90")),
    ("P10", in_row(ENTITY, "<auth_url/>", "<auth_url>x</auth_url>")),
    ("P10b", sub("<payload_hash>[^<]*</payload_hash>", "<payload_hash/>")),
    ("P10c", sub("<payload_hash>[^<]*", "<payload_hash>abc")),
    ("P11", in_row(ENTITY, "<sys_policy/>", "")),
    ("P11", in_row(ACCOUNT, "<sys_mod_count>0</sys_mod_count><sys_upd", "<sys_upd")),
    ("T1", lambda text: text.replace("oauth_entity_scope", "oauth_entity_scopes")),
    ("T2", in_row(ACCOUNT, "<active>", "<aaa/><active>")),
    ("T3", in_row(ACCOUNT, "<name>Exchange", "<name>" + "n" * 41)),
    ("T3", in_row(ENTITY, "<name>Exchange", "<name>" + "n" * 41)),
    ("V1", in_row(ENTITY, "<user/>", f'<user display_value="A">{ID}</user>')),
    (
        "V2",
        other_set,
    ),
    (
        "V3",
        in_row(
            "oauth_entity_profile",
            '<oauth_entity display_value="Exchange Online SMTP">',
            "<oauth_entity>",
        ),
    ),
    ("X1", in_row(ENTITY, "<client_uuid>", "<client_secret>hunter2</client_secret><client_uuid>")),
    ("X1", in_row(ACCOUNT, "<port>", "<password>hunter2</password><port>")),
    ("X1", in_row("sys_properties", "<type>", "<type>password2")),
    ("X2", in_row(ENTITY, "<access>", "<access>ask bob@acme.org")),
    ("X2", in_row(ENTITY, "<access>", "<access>https://acme7.service-now.com ")),
    ("X3", in_row(ENTITY, "<access>", f"<access>{SECRET} ")),
    ("X3", swap("<description>", f"<description>{SECRET} ")),
    ("X3", swap("<comments/>", f"<comments>{SECRET}</comments>")),
    ("M1", swap("<default_grant_type>client_credentials", "<default_grant_type>password")),
    ("M1", swap("<grant_type>client_credentials", "<grant_type>password")),
    ("M2", swap("<server>smtp.office365.com", "<server>smtp.office365.us")),
    ("M2", swap("https://login.microsoftonline.com/", "https://login.partner.microsoftonline.cn/")),
    ("M3", swap("<server>smtp.office365.com", "<server>relay.acme.example")),
    ("M4", swap("/oauth2/v2.0/token", "/oauth2/token")),
    ("M4", swap("<token_url>https://", "<token_url>https://[")),
    ("M5", in_row(ACCOUNT, "<port>587", "<port>465")),
    ("M15", in_row(ACCOUNT, "<port>587", "<port>2525")),
    ("M5", in_row(ACCOUNT, "<from/>", "<enable_ssl>true</enable_ssl><from/>")),
    ("M6", swap("<connection_security>starttls", "<connection_security>none")),
    ("M7", swap("<server>smtp.office365.com", "<server>localhost")),
    ("M7", swap("<server>smtp.office365.com", "<server>127.0.0.7")),
    ("M7", swap("<server>smtp.office365.com", "<server>[::1]")),
    ("M8", sub("<user_name>[^<]*", "<user_name>servicenow")),
    ("M8", swap("<from/>", "<from>nobody</from>")),
    ("M9", in_row(ACCOUNT, "<active>false", "<active>true")),
    ("M10", second_account),
    ("M11", in_row(ENTITY, "<client_uuid>", "<client_secret/><client_uuid>")),
    ("M12", without("oauth_entity_profile_scope")),
    ("M12", without("oauth_entity_scope")),
    ("M12", in_row("oauth_entity_profile", 'SMTP">4', 'SMTP">0')),
    ("M12", swap("<authentication>oauth2", "<authentication>password")),
    ("M12", sub("(<oauth_profile [^>]*>)[0-9a-f]{32}", rf"\g<1>{ID}")),
    ("M13", swap("<from/>", "<from>desk@acme.example</from>")),
    ("M14", swap("<salt>0</salt>", "")),
    ("L1", hundred_faults),
]


@pytest.mark.parametrize(
    ("rule", "edit"), [pytest.param(*case, id=f"{case[0]}-{i}") for i, case in enumerate(BREACHES)]
)
def test_breach_is_found(
    rule: str, edit: Callable[[str], str], damaged: Callable[..., LintReport]
) -> None:
    report = damaged(edit)
    found = [finding for finding in report.findings if finding.rule == rule]
    assert found, sorted({finding.rule for finding in report.findings})
    (known,) = (known for known in RULES if known.id == rule)
    assert all(finding.severity is known.severity for finding in found)
    assert all(finding.fix == known.fix for finding in found)
    if edit is special_handlers:
        assert len(found) == 3
    assert all(SECRET not in finding.message for finding in report.findings)


@pytest.mark.parametrize(
    "rule",
    [rule.id for rule in RULES if rule.severity is not rule.foreign and rule.family != "action"],
)
def test_what_only_our_output_promises_weighs_less_elsewhere(
    rule: str, damaged: Callable[..., LintReport]
) -> None:
    edit = next(edit for broken, edit in BREACHES if broken == rule)
    report = damaged(edit, ours=False)
    severities = {finding.severity for finding in report.findings if finding.rule == rule}
    assert severities <= {Severity.WARNING, Severity.NOTE}


def test_package_has_no_breach(package_text: str, lint_text: Callable[..., LintReport]) -> None:
    report = lint_text(package_text)
    assert [finding for finding in report.findings if finding.severity != "note"] == []
    assert report.counts[Severity.ERROR] == 0
    assert (report.sets, report.updates) == (2, package_text.count("<sys_update_xml "))


def test_every_rule_is_broken_somewhere() -> None:
    families = {rule.id for rule in RULES if rule.family != "action"}
    assert families - {rule for rule, _ in BREACHES} == {"F0", "P12", "V4"}


@pytest.mark.parametrize("name", ["sys_created_by", "sys_updated_by", "sys_updated_on"])
def test_each_stamp_is_held_by_itself(name: str, damaged: Callable[..., LintReport]) -> None:
    report = damaged(in_row(ENTITY, f"\n<{name}>", f"\n<{name}>1"))
    fields = {finding.field for finding in report.findings if finding.rule == "R8"}
    # Who created the row is also whom its update must name.
    assert fields == {name} | ({"sys_updated_by"} if name == "sys_created_by" else set())


def test_rows_of_layouts_have_a_view(damaged: Callable[..., LintReport]) -> None:
    report = damaged(
        lambda text: special_handlers(text).replace("<view/>", "<view>Default view</view>")
    )
    views = [found for found in report.findings if (found.rule, found.field) == ("R3", "view")]
    assert len(views) == report.updates - 3


def test_what_rows_of_an_unknown_table_hang_by_is_unknown(
    damaged: Callable[..., LintReport],
) -> None:
    report = damaged(
        lambda text: in_row(ENTITY, "<table/>", "<table>incident</table>")(text).replace(
            'record_update table="oauth_entity"', 'record_update table="u_other"'
        )
    )
    assert "R12b" not in {finding.rule for finding in report.findings}
