"""Which environments a root has, and that no two of them overwrite each other."""

from __future__ import annotations

from pathlib import Path

import pytest
from config_root import OWN, Root

from generator.config import discovery, load
from generator.config.discovery import discover
from generator.errors import ConfigError, UsageError


def usage(root: Root, name: str) -> str:
    with pytest.raises(UsageError) as caught:
        root.load(name)
    assert not isinstance(caught.value, ConfigError)
    return str(caught.value)


def test_direct_children_with_an_environment_file(root: Root) -> None:
    root.own(OWN, "prod").own(OWN, "0_a-b").own(OWN, "x" * 40)
    root.write("nothing/else.yaml", "a: b")
    root.write("deep/er/environment.yaml", OWN)
    assert discover(root.path) == ("0_a-b", "dev", "prod", "x" * 40)


@pytest.mark.parametrize("name", ["Dev2", "-dev", "_dev", "dev.2", "a b", "x" * 41, "dév"])
def test_bad_names(root: Root, name: str) -> None:
    root.own(OWN, name)
    with pytest.raises(ConfigError) as caught:
        discover(root.path)
    (fault,) = caught.value.faults
    assert (fault.code, fault.file) == ("environment-name", str(root.path / name))
    with pytest.raises(ConfigError) as caught:
        root.load(name)
    assert caught.value.faults == (fault,)
    assert root.load().name == "dev"


def test_names_equal_but_for_case(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    # Also on file systems that cannot hold both.
    monkeypatch.setattr(discovery, "candidates", lambda root: ("DEV", "dev"))
    monkeypatch.setattr(load, "candidates", lambda root: ("DEV", "dev"))
    with pytest.raises(ConfigError) as caught:
        discover(root.path)
    assert [fault.code for fault in caught.value.faults] == ["case-twins"] * 2
    assert root.fault("dev").code == "case-twins"


def test_unknown_environments(root: Root) -> None:
    root.own(OWN, "test").own(OWN, "prod")
    assert "Did you mean prod?" in usage(root, "prd")
    assert "There are: dev, prod, test." in usage(root, "nothing-like-it")
    root.write("empty/x", "")
    assert "holds no environment.yaml" in usage(root, "empty")
    assert "Did you mean dev?" in usage(root, "DEV/")
    assert "50 characters" in usage(root, "x" * 50)
    for number in range(30):
        root.own(OWN, f"e{number}")
    assert "and 13 more" in usage(root, "nothing-like-it")


def test_a_root_without_environments(tmp_path: Path) -> None:
    root = Root(tmp_path / "r")
    (root.path / "dev/environment.yaml").unlink()
    assert "There is none yet." in usage(root, "dev")
    assert "sn-smtp init" in usage(root, "dev")
    assert discover(root.path) == ()


def test_a_missing_root(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    for path, words in (
        (root.path / "nowhere", "does not exist"),
        (root.path / "common.yaml", "is no directory"),
    ):
        with pytest.raises(UsageError) as caught:
            discover(path)
        assert words in str(caught.value)
        assert "sn-smtp init" in str(caught.value)

    def refuse(self: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(UsageError, match="Permission denied"):
        discover(root.path)


def own(url: str, integration: str = "", scope: str = "", extra: str = "") -> str:
    return (
        OWN.replace("https://acme-dev.service-now.com", url)
        + (f"integration: {integration}\n" if integration else "")
        + (f"app: {{scope: {scope}}}\n" if scope else "")
        + extra
    )


def conflicts(root: Root, *names: str) -> list[tuple[str | None, str]]:
    loader = root.loader({"HOST": "a.example"})
    environments = [loader.load(name) for name in names]
    try:
        loader.check_claims(environments)
    except ConfigError as error:
        return [(fault.path, fault.message) for fault in error.faults]
    return []


def test_other_instances_do_not_matter(root: Root) -> None:
    root.own(own("https://a.example"), "one").own(own("https://b.example"), "two")
    assert conflicts(root, "one", "two") == []
    assert conflicts(root, "one") == []


@pytest.mark.parametrize(
    ("two", "paths"),
    [
        (own("https://A.example"), ["integration", "app.scope"]),
        (own("https://a.example", "second"), ["app.scope"]),
        (own("https://a.example", "", "x_acme_second"), ["integration"]),
        (own("https://a.example", "second", "x_acme_second"), []),
        (own("https://${env:HOST}"), ["integration", "app.scope"]),
        (own('"https://\\x61.example"'), ["integration", "app.scope"]),
        (own("https://${env:UNSET}"), []),
        (own("https://a.example/path"), []),
        (own("[https://a.example]"), []),
        (
            own("https://a.example", extra="unknown: key\nrelease: none\n"),
            ["integration", "app.scope"],
        ),
        ("a: b: c\n", []),
        (own("https://a.example", "{a: b}"), ["integration", "app.scope"]),
    ],
)
def test_shared_instances(root: Root, two: str, paths: list[str]) -> None:
    root.own(own("https://a.example"), "one").own(two, "two")
    found = conflicts(root, "one")
    assert sorted(str(path) for path, _ in found) == sorted(paths)
    for _, message in found:
        assert str(root.path / "two/environment.yaml") in message
        assert "https://a.example" in message


def test_conflicts_say_where(root: Root) -> None:
    root.own(own("https://a.example", "mail"), "one").own(own("https://a.example", "mail"), "two")
    loader = root.loader()
    with pytest.raises(ConfigError) as caught:
        loader.check_claims([loader.load("two"), loader.load("one")])
    places = [(fault.file, fault.line, fault.path) for fault in caught.value.faults]
    common = str(root.path / "common.yaml")
    assert places == [
        (common, 5, "app.scope"),
        (common, 5, "app.scope"),
        (str(root.path / "one/environment.yaml"), 8, "integration"),
        (str(root.path / "two/environment.yaml"), 8, "integration"),
    ]


def test_an_integration_nobody_wrote_has_no_line(root: Root) -> None:
    root.own(own("https://a.example", "", "x_acme_one"), "one")
    root.own(own("https://a.example", "", "x_acme_two"), "two")
    loader = root.loader()
    with pytest.raises(ConfigError) as caught:
        loader.check_claims([loader.load("one")])
    (fault,) = caught.value.faults
    assert (fault.file, fault.line) == (str(root.path / "one/environment.yaml"), None)


def test_the_url_may_stand_in_common_yaml(root: Root) -> None:
    root.common((root.path / "common.yaml").read_text() + "instance: {url: https://a.example}\n")
    bare = OWN.partition("email_account")[1] + OWN.partition("email_account")[2]
    root.own(bare, "one").own(bare, "two")
    assert len(conflicts(root, "one")) == 2


def test_a_scope_that_cannot_be_told(root: Root) -> None:
    root.own(own("https://a.example"), "one")
    root.own(own("https://a.example", "second", "[x]"), "two")
    assert conflicts(root, "one") == []


def test_a_neighbour_that_cannot_be_read(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    root.own(own("https://a.example"), "one").own(own("https://a.example"), "two")
    loader = root.loader()
    loaded = loader.load("one")
    read = Path.read_bytes

    def refuse(self: Path) -> bytes:
        if self.parent.name == "two":
            raise PermissionError(13, "Permission denied")
        return read(self)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    loader.check_claims([loaded])


def test_a_fleet_reads_common_yaml_once(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        root.own(own(f"https://a{number}.example"), f"e{number}")
    opened: list[str] = []
    original = Path.open

    def counting(self: Path, *args: object, **kwargs: object) -> object:
        opened.append(self.name)
        return original(self, *args, **kwargs)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", counting)
    loader = root.loader()
    loader.check_claims([loader.load(f"e{number}") for number in range(5)])
    assert opened.count("common.yaml") == 1
    assert opened.count("environment.yaml") <= 6 + 1
