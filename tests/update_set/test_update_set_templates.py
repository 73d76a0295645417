"""Templates print what they are given and reach nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from generator.errors import ConfigError, ExitCode, GeneratorError, InternalError
from generator.update_set import templates as module
from generator.update_set.records import Reference
from generator.update_set.templates import RootedLoader, Templates, builtin_root

NAME = "records/oauth_entity.xml.j2"

Override = Callable[..., Templates]


@pytest.fixture
def override(tmp_path: Path) -> Override:
    """Templates of the user's, by name, over those of the project."""
    root = tmp_path / "mine"
    root.mkdir()

    def make(source: str | bytes, name: str = NAME) -> Templates:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source if isinstance(source, bytes) else source.encode())
        return Templates(root)

    return make


def fails(templates: Templates, name: str = NAME, **context: object) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        templates.render(name, context)
    assert caught.value.exit_code is ExitCode.USAGE
    (fault,) = caught.value.faults
    assert fault.code == "template-failed"
    assert fault.next
    return caught.value


# What they print.


def test_layout_is_dropped_and_values_are_not(override: Override) -> None:
    templates = override(
        "{# A comment. #}\n"
        "<record_update>\r\n"
        "  {{ record|fields('\n    name\n    other\n  ') }}\n"
        "\t{% if yes %}\n"
        "    <a>two words </a>\n"
        "  {% endif %}\n"
        "  {% for x in record.list %}{{ x }} {% endfor %}\n"
        "</record_update>\n"
    )
    record = {"name": "a\n  b", "other": "c", "list": ["d\n e", "f"]}
    assert templates.render(NAME, {"record": record, "yes": True}) == (
        "<record_update><name>a\n  b</name><other>c</other><a>two words </a>d\n e f "
        "</record_update>"
    )


def test_templates_elsewhere_keep_their_lines(override: Override) -> None:
    templates = override("a\n  {% if true %}\n  b\n  {% endif %}\nc\n", "report/x.md.j2")
    assert templates.render("report/x.md.j2", {}) == "a\n  b\nc\n"


@pytest.mark.parametrize("value", ["{{ 7 * 7 }}", "{% raw %}", "{# x #}", "{{ record }}", "#}"])
def test_jinja_in_values_is_printed_literally(override: Override, value: str) -> None:
    templates = override('{{ value }}|{{ record|field("name") }}|{{ value|attribute }}')
    printed = templates.render(NAME, {"value": value, "record": {"name": value}})
    assert printed == f"{value}|<name>{value}</name>|{value}"


def test_what_passes_no_filter_is_escaped(override: Override) -> None:
    assert override("{{ v }}").render(NAME, {"v": "<a b=\"c\" d='e'>&"}) == (
        "&lt;a b=&#34;c&#34; d=&#39;e&#39;&gt;&amp;"
    )


def test_the_filters(override: Override) -> None:
    templates = override(
        "{{ record|field('ref') }}{{ t|text }}{{ t|attribute }}{{ t|markdown }}"
        "{{ [1, 2]|join('-') }}"
    )
    record = {"ref": Reference("id", "shown")}
    assert templates.render(NAME, {"record": record, "t": '<"'}) == (
        '<ref display_value="shown">id</ref>&lt;"&lt;&quot;\\<"1-2'
    )


def test_macros_includes_and_methods_of_values(override: Override) -> None:
    override("[{{ x }}]", "records/part.xml.j2")
    templates = override(
        "{% macro m(x) %}{% include 'records/part.xml.j2' %}{% endmacro %}"
        "{{ m('a') }}{% for k, v in d.items() %}{{ k }}{{ v.upper() }}{% endfor %}"
    )
    assert templates.render(NAME, {"d": {"k": "v"}, "x": "y"}) == "[a]kV"


def test_recursive_loops(override: Override) -> None:
    templates = override("{% for n in tree recursive %}<{{ n.a }}>{{ loop(n.b) }}{% endfor %}")
    assert templates.render(NAME, {"tree": [{"a": 1, "b": [{"a": 2, "b": []}]}]}) == "<1><2>"


def test_a_template_is_compiled_once(templates: Templates) -> None:
    assert templates.get(NAME) is templates.get(NAME)


# Where they come from.


def test_each_template_of_the_users_wins_alone(override: Override) -> None:
    templates = override("mine")
    assert templates.render(NAME, {}) == "mine"
    assert templates.is_overridden(NAME)
    assert not templates.is_overridden("update_set/unload.xml.j2")
    assert not templates.is_overridden("update_set/none.xml.j2")
    assert "unload" in templates.render(
        "update_set/unload.xml.j2", {"break": "", "unload_date": "", "sets": (), "updates": ()}
    )


def test_windows_files_read_the_same(override: Override) -> None:
    assert override(b"\xef\xbb\xbf<a>\r\n  {{ x }}\r\n</a>").render(NAME, {"x": "y"}) == "<a>y</a>"


def test_the_directory_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "missing", tmp_path / "file", tmp_path / ("a" * 300)):
        with pytest.raises(ConfigError) as caught:
            Templates(path)
        assert caught.value.faults[0].code == "templates-missing"
        assert str(path) in str(caught.value)


def test_a_wheel_carries_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "generator"
    monkeypatch.setattr(module, "__file__", str(package / "update_set" / "templates.py"))
    assert builtin_root() == tmp_path / "templates"
    (package / "_templates").mkdir(parents=True)
    assert builtin_root() == package / "_templates"


@pytest.mark.parametrize(
    "name",
    [
        "../secret",
        "records/../../secret.txt",
        "records/..",
        "records/...xml",
        "/etc/passwd",
        "records//etc/passwd",
        "records\\..\\secret",
        "records",
        "",
        "records/\x00",
        "records/a\n",
        "C:/secret",
    ],
)
def test_names_that_lead_elsewhere_are_not_found(tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    (root / "records").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("told", encoding="utf-8")
    (tmp_path / "secret").write_text("told", encoding="utf-8")
    assert RootedLoader(root).find(name) is None
    assert "is not there" in str(fails(Templates(root), name))


@pytest.mark.parametrize("name", ["../secret.txt", "/etc/hostname", "records/../../secret.txt"])
def test_includes_cannot_leave_either(override: Override, tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.txt").write_text("told", encoding="utf-8")
    error = fails(override(f"a\n{{% include '{name}' %}}"))
    assert "told" not in str(error)
    assert name in str(error)
    assert error.faults[0].line == 2


def test_a_link_to_a_file_is_refused_not_passed_over(tmp_path: Path) -> None:
    """Its owner believes that it is used: the built-in one must not stand in for it."""
    (tmp_path / "outside.j2").write_text("told", encoding="utf-8")
    (tmp_path / "mine" / "records").mkdir(parents=True)
    (tmp_path / "mine" / NAME).symlink_to(tmp_path / "outside.j2")
    assert "symbolic link" in str(fails(Templates(tmp_path / "mine")))
    (tmp_path / "outside.j2").unlink()
    assert "symbolic link" in str(fails(Templates(tmp_path / "mine")))


def test_a_link_to_a_directory_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "oauth_entity.xml.j2").write_text("told", encoding="utf-8")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "records").symlink_to(tmp_path / "outside")
    assert "symbolic link" in str(fails(Templates(tmp_path / "mine")))


def test_the_directory_itself_may_be_a_link(tmp_path: Path, override: Override) -> None:
    override("mine")
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    assert Templates(tmp_path / "link").render(NAME, {}) == "mine"


def test_a_directory_in_place_of_a_template(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir(parents=True)
    assert "no plain file" in str(fails(Templates(tmp_path)))


def test_too_large(override: Override) -> None:
    assert override(b"x" * module.MAX_TEMPLATE_BYTES).render(NAME, {})
    assert "more than 1 MiB" in str(fails(override(b"x" * (module.MAX_TEMPLATE_BYTES + 1))))


def test_unreadable(override: Override, monkeypatch: pytest.MonkeyPatch) -> None:
    templates = override("fine")

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert "failed: Permission denied." in str(fails(templates))
    monkeypatch.setattr(Path, "exists", refuse)
    assert "failed: Permission denied." in str(fails(templates))


# What they cannot do.


@dataclass(frozen=True)
class Holder:
    """Something with a file in it, as an environment is."""

    directory: Path

    def method(self) -> str:
        return "called"


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ ''['__class__'] }}",
        "{{ ''|attr('__class__') }}",
        "{{ holder.directory.read_text() }}",
        "{{ holder.directory.write_text('gone') }}",
        "{{ holder.directory.unlink() }}",
        "{{ holder.method() }}",
        "{{ holder.method.__globals__ }}",
        "{{ holder() }}",
        "{{ function() }}",
        "{{ '{0.__class__}'.format(1) }}",
        "{{ record.update({'a': 'b'}) }}",
        "{{ record.clear() }}",
        "{{ list.append(1) }}",
        "{{ record.pop('name') }}",
        "{% for i in range(1000000000) %}{% endfor %}",
        "{{ lipsum() }}",
        "{{ cycler('a') }}",
        "{{ namespace() }}",
        "{{ dict(a=1) }}",
        "{{ self.__init__.__globals__ }}",
        "{% set x = record.__setitem__('a', 'b') %}",
        "{{ 'a'|upper }}",
        "{{ 'a'|safe }}",
        "{% import os %}",
        "{% extends '../x' %}",
    ],
)
def test_the_sandbox(override: Override, tmp_path: Path, source: str) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text("told", encoding="utf-8")
    record = {"name": "n"}
    error = fails(
        override(f"a\n\n{source}"),
        holder=Holder(kept),
        record=record,
        list=[],
        function=lambda: "called",
    )
    (fault,) = error.faults
    assert fault.line == 3
    assert fault.file is not None and fault.file.endswith(NAME)
    assert kept.read_text(encoding="utf-8") == "told"
    assert record == {"name": "n"}
    said = fault.message
    assert "told" not in said
    assert str(tmp_path) not in said
    assert " at 0x" not in said


# How they fail.


@pytest.mark.parametrize(
    ("source", "line", "said"),
    [
        ("a\n{% if %}", 2, "Expected an expression"),
        ("a\n  {% if x %}\n  b", 2, "unexpected end|Unexpected end"),
        ("a\n  b\n\t{{ missing }}", 3, "'missing' is undefined"),
        ("a\n\n\n{{ record.missing }}", 4, "no attribute 'missing'"),
        ("a\n{{ record|field('missing') }}", 2, "the record has no field missing"),
        ("a\n{{ record|fields('name\n missing') }}", 2, "the record has no field missing"),
        ("a\n{{ 1 / 0 }}", 2, "ZeroDivisionError"),
        ("a\n{{ 5|text }}", 2, "TypeError"),
        ("a\n{{ 5|field('x') }}", 2, "TypeError"),
        ("a\n{{ x|nothing }}", 2, "No filter named 'nothing'"),
        ("{% macro m() %}\n{{ m() }}{% endmacro %}{{ m() }}", 2, "RecursionError"),
        ("a\n{% include 'records/missing.xml.j2' %}", 2, "asks for records/missing.xml.j2"),
    ],
)
def test_faults_name_file_and_line(
    override: Override, tmp_path: Path, source: str, line: int, said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        override(source).render(NAME, {"record": {"name": "n"}, "x": "a value of the user's"})
    (fault,) = caught.value.faults
    assert (fault.file, fault.line) == (str(tmp_path / "mine" / NAME), line)
    assert "a value of the user's" not in str(caught.value)
    assert "correct your template" in str(fault.next)


def test_a_fault_of_an_included_template_names_that_one(override: Override, tmp_path: Path) -> None:
    part = "records/flow/part.xml.j2"
    override("{% include 'records/flow/part.xml.j2' %}")
    for source in ("a\nb\n{{ missing }}", "a\nb\n{% endif %}"):
        error = fails(override(source, part), NAME)
        (fault,) = error.faults
        assert (fault.file, fault.line) == (str(tmp_path / "mine" / part), 3)
        assert part in fault.message


def test_bytes_that_are_no_text(override: Override) -> None:
    assert "can't decode" in str(fails(override(b"a\xff")))


def test_a_template_that_is_nowhere(templates: Templates) -> None:
    (fault,) = fails(templates, "records/sys_nothing.xml.j2").faults
    assert fault.file is None
    assert "is not there" in fault.message


def test_a_fault_of_ours_is_a_bug(templates: Templates) -> None:
    with pytest.raises(InternalError, match="comes with sn-smtp") as caught:
        templates.render(NAME, {})
    assert caught.value.exit_code is ExitCode.FAILED
    (fault,) = caught.value.faults
    assert fault.file is not None and Path(fault.file).is_relative_to(builtin_root())
    assert fault.line is not None


def test_an_error_raised_by_what_is_printed_passes(templates: Templates) -> None:
    error = GeneratorError.of("other", "Something else.")
    assert templates.fault(NAME, error) is error


def test_nothing_is_left_in_the_users_directory(override: Override, tmp_path: Path) -> None:
    override("mine").render(NAME, {})
    assert [path for _, _, files in os.walk(tmp_path) for path in files] == ["oauth_entity.xml.j2"]
