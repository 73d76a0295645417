"""No value gets out of its quotes, whatever it holds, in any of the languages."""

from __future__ import annotations

import re
import subprocess

import hcl2
import pytest
from azure_script_world import HOSTILE, nodes, trouble
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2 import DictLoader

from generator.azure import setup_quoting as quoting
from generator.azure.setup_templates import ScriptTemplates
from generator.characters import illegal_character
from generator.errors import GeneratorError

NASTY = st.lists(
    st.sampled_from(["'", '"', "$", "`", "&", "{", "}", "%", "\\", "(", ")", "#", "-", "/", "*"])
    | st.sampled_from(["${", "%{", "$${", "%%{", "$(", "'''", "-->", "’", "é", "\U0001f4e7", "a b"])
    | st.characters(codec="utf-8"),
    max_size=12,
).map("".join)
ACCEPTED = NASTY.filter(lambda text: illegal_character(text) is None)
FEW = settings(max_examples=150, deadline=None)


def _shell_value(quoted: str) -> str:
    done = subprocess.run(["bash", "-c", f"printf %s {quoted}"], capture_output=True, check=True)
    return done.stdout.decode("utf-8", "surrogateescape")


@pytest.mark.parametrize("value", HOSTILE)
def test_a_shell_gives_the_value_back(value: str) -> None:
    assert _shell_value(quoting.shell(value)) == value


@settings(max_examples=40, deadline=None)
@given(values=st.lists(ACCEPTED, min_size=1, max_size=20))
def test_a_shell_gives_any_value_back(values: list[str]) -> None:
    words = " ".join(quoting.shell(value) for value in values)
    done = subprocess.run(
        ["bash", "-c", rf"printf '%s\0' {words}"], capture_output=True, check=True
    )
    assert done.stdout.decode().split("\0")[:-1] == values


def _powershell_value(quoted: str) -> str:
    """What PowerShell makes of it: single-quoted strings and characters, joined by +."""
    units: list[int] = []
    position = 0
    inner = quoted[1:-1] if quoted.startswith("(") else quoted
    part = re.compile(r"'((?:[^']|'')*)'|\[char\]0x([0-9a-f]{4})")
    while position < len(inner):
        found = part.match(inner, position)
        assert found, quoted
        if found[2]:
            units.append(int(found[2], 16))
        else:
            units += [ord(sign) for sign in found[1].replace("''", "'")]
        position = found.end()
        if position < len(inner):
            assert inner[position : position + 3] == " + "
            position += 3
    return b"".join(unit.to_bytes(2, "big") for unit in units).decode("utf-16-be")


@FEW
@given(value=ACCEPTED)
def test_powershell_gives_any_value_back(value: str) -> None:
    quoted = quoting.powershell(value)
    assert quoted.isascii()
    assert _powershell_value(quoted) == value
    assert trouble("powershell", f"$x = {quoted}\n") == []


@pytest.mark.parametrize("value", HOSTILE)
def test_powershell_sees_one_expression(value: str) -> None:
    text = f"Set-This -Name {quoting.powershell(value)} -Other 1\n"
    assert trouble("powershell", text) == []
    assert nodes("powershell", text, "command_name") == ["Set-This"]


def _terraform_value(quoted: str) -> str:
    """As HCL reads a quoted template without interpolation (HCL native syntax specification)."""
    assert quoted.startswith('"')
    assert quoted.endswith('"')
    parts = re.findall(
        r"\\u([0-9a-f]{4})|\\(.)|(\$\$\{|%%\{)|(\$\{|%\{)|(.)", quoted[1:-1], re.DOTALL
    )
    assert not any(live for _, _, _, live, _ in parts), quoted
    return "".join(
        chr(int(number, 16)) if number else escaped or doubled[1:] or plain
        for number, escaped, doubled, _, plain in parts
    )


@FEW
@given(value=ACCEPTED)
@example(value="%${ $%{ $${ %%%{")
def test_terraform_gives_any_value_back(value: str) -> None:
    assert _terraform_value(quoting.terraform(value)) == value


@pytest.mark.parametrize("value", HOSTILE)
def test_terraform_parses_it(value: str) -> None:
    parsed = hcl2.loads(f"x = {quoting.terraform(value)}\ny = 1\n")
    assert set(parsed) >= {"x", "y"}
    assert parsed["y"] == 1


@FEW
@given(value=ACCEPTED)
@example(value="$%{")
@example(value="%${ $${ %%%{")
def test_a_heredoc_gives_any_line_back(value: str) -> None:
    line = quoting.terraform_heredoc(value)
    parts = re.findall(r'(\$\$\{|%%\{)|\$\{"([$%])"\}|(\$\{|%\{)|(.)', line, re.DOTALL)
    assert not any(doubled or live for doubled, _, live, _ in parts), line
    assert "".join(sign or plain for _, sign, _, plain in parts) == value


def _bicep_value(quoted: str) -> str:
    assert quoted.startswith("'")
    assert quoted.endswith("'")
    parts = re.findall(r"\\(.)|(\$\{)|(')|(.)", quoted[1:-1], re.DOTALL)
    assert not any(live or end for _, live, end, _ in parts), quoted
    return "".join(escaped or plain for escaped, _, _, plain in parts)


@FEW
@given(value=ACCEPTED)
def test_bicep_gives_any_value_back(value: str) -> None:
    quoted = quoting.bicep(value)
    assert _bicep_value(quoted) == value


@pytest.mark.parametrize("value", HOSTILE)
def test_bicep_parses_it(value: str) -> None:
    text = f"param x string = {quoting.bicep(value)}\nparam y int = 1\n"
    assert trouble("bicep", text) == []
    assert nodes("bicep", text, "interpolation") == []
    assert len(nodes("bicep", text, "parameter_declaration")) == 2


@FEW
@given(value=ACCEPTED)
def test_a_code_span_ends_where_it_should(value: str) -> None:
    span = quoting.code(value)
    found = re.match(r"`+", span)
    assert found
    fence = found[0]
    inner = span[len(fence) : -len(fence)]
    assert span.endswith(fence)
    assert fence not in re.findall(r"`+", inner)
    assert inner.strip() == value.strip()


@FEW
@given(value=ACCEPTED)
@example(value="--- --->")
def test_comments_stay_on_their_line(value: str) -> None:
    assert quoting.comment(value).isascii()
    assert quoting.comment(value).isprintable()
    assert "-->" not in quoting.html_comment(value)
    assert "--" not in quoting.html_comment(value)


@pytest.mark.parametrize(
    "quote",
    [
        *(quoting.shell, quoting.powershell, quoting.terraform, quoting.bicep, quoting.markdown),
        *(quoting.code, quoting.comment, quoting.html_comment, quoting.verbatim),
        *(quoting.bare, quoting.plain, quoting.url, quoting.terraform_heredoc),
    ],
)
@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b", "a\x1bb", "a\u2028b"])
def test_a_line_end_is_refused_once_more(quote: object, value: str) -> None:
    assert callable(quote)
    with pytest.raises(ValueError, match="holds|is no"):
        quote(value)


@pytest.mark.parametrize(
    ("quote", "value"),
    [
        (quoting.bare, "a b"),
        (quoting.bare, "$x"),
        (quoting.plain, "a`b"),
        (quoting.url, "http://x.example"),
        (quoting.url, "https://x.example/$(id)"),
        (quoting.verbatim, quoting.HERE_DOCUMENT_END),
    ],
)
def test_what_goes_without_quotes_is_plain(quote: object, value: str) -> None:
    assert callable(quote)
    with pytest.raises(ValueError, match="holds|is"):
        quote(value)


def _render(template: str, value: object) -> str:
    templates = ScriptTemplates()
    templates._environment.loader = DictLoader({"azure/x": template})
    return templates.render("azure/x", {"value": value})


def test_a_template_prints_nothing_without_its_quotes() -> None:
    assert _render("a {{ value | sh }}", "it's") == "a 'it'\\''s'"
    assert _render("{% for x in value %}{{ loop.index }}{% endfor %}", "ab") == "12"
    for template in ("{{ value }}", "{{ value ~ 'x' }}", "{{ value | sh ~ value }}"):
        with pytest.raises(GeneratorError) as caught:
            _render(template, "it's")
        assert "it's" not in str(caught.value)


def test_a_filter_that_refuses_names_the_template_and_not_the_value() -> None:
    with pytest.raises(GeneratorError) as caught:
        _render("{{ value | bare }}", "can ary")
    assert "azure/x" in str(caught.value)
    assert "can ary" not in str(caught.value)
