"""The loader's own validation and the pydantic models judge alike, and only one is loaded."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from generator.config.declared import Keys, Shape, declared, known_keys
from generator.config.keys import EnvironmentKeys
from generator.config.models import model
from generator.config.rules import Substituted
from generator.config.tree import BROKEN, NO_ENTRIES, Numeral, Place, Section
from generator.config.validation import Context, validate

HERE = Context(Section(NO_ENTRIES, Place("dev", 1)), "dev", partial=False)

WORDS = [
    "", "x", "xanadu", "batch", "1.0.0", "x_acme_mail", "https://a.example", "a@b.example",
    "smtp.example.com", "public", "app_rbac", "ssl", "prompt", "env:X", "2027-11-20", "0" * 32,
    "7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b", "https://a.example/.default", "basic", "a\nb",
]  # fmt: skip
SINGLE = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from([Numeral("587"), Numeral("1.0"), Substituted("25"), True, False, BROKEN]),
)
ANYTHING = st.recursive(
    SINGLE,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2).map(tuple),
        st.dictionaries(st.sampled_from(["x", "name", "oauth_entity"]), inner, max_size=2),
    ),
    max_leaves=3,
)


def mappings(section: type[Keys]) -> st.SearchStrategy[dict[str, Any]]:
    """Values of a section: each key missing, likely or anything, and sometimes an unknown one."""
    fields: dict[str, st.SearchStrategy[Any]] = {"unknown": SINGLE}
    for name, key in declared(section).items():
        one = SINGLE if key.below is None else mappings(key.below)
        if key.key.shape is Shape.LIST:
            one = st.lists(one, max_size=2).map(tuple)
        elif key.key.shape is Shape.NAMED:
            one = st.dictionaries(st.sampled_from(["a", "b"]), one, max_size=2)
        fields[name] = st.one_of(one, one, ANYTHING)
    return st.fixed_dictionaries({}, optional=fields)


SOUND: dict[str, Any] = {
    "release": "xanadu",
    "version": Numeral("1.0"),
    "app": {"name": "Mail", "scope": "x_acme_mail", "version": "1.0.0"},
    "instance": {"url": "https://a.example"},
    "email_account": {"name": "Mail", "user_name": "a@b.example", "from": "c@b.example"},
}


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        both = isinstance(under, dict) and isinstance(value, dict)
        merged[key] = laid_over(under, value) if both else value  # type: ignore[arg-type]
    return merged


def agrees(keys: Keys, modelled: BaseModel) -> None:
    for name, key in declared(type(keys)).items():
        ours, theirs = getattr(keys, key.attribute), getattr(modelled, key.attribute)
        if isinstance(ours, Keys):
            agrees(ours, theirs)
        elif isinstance(ours, tuple) and ours and isinstance(ours[0], Keys):
            for one, other in zip(ours, theirs, strict=True):
                agrees(one, other)
        else:
            assert ours == theirs, name


def check(values: dict[str, Any]) -> bool:
    """Whether both accept the values; that they agree is asserted."""
    for key, below in known_keys(EnvironmentKeys).items():
        if below is not None:
            values.setdefault(key, {})
    checked = validate(values, HERE)
    try:
        modelled = model(EnvironmentKeys).model_validate(values)
    except ValidationError:
        modelled = None
    assert (checked.keys is None) == (modelled is None)
    if checked.keys is not None and modelled is not None:
        agrees(checked.keys, modelled)
    return checked.keys is not None


def test_a_sound_file_is_accepted_by_both() -> None:
    assert check(dict(SOUND))


@settings(deadline=None, max_examples=300)
@given(mappings(EnvironmentKeys))
def test_both_judge_alike(values: dict[str, Any]) -> None:
    check(laid_over(SOUND, values))


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(sorted(known_keys(EnvironmentKeys))), st.data())
def test_both_judge_a_single_change_alike(name: str, data: st.DataObject) -> None:
    values = data.draw(mappings(EnvironmentKeys))
    check(laid_over(SOUND, {key: value for key, value in values.items() if key == name}))


@pytest.mark.parametrize("missing", ["release", "version", "app", "instance", "email_account"])
def test_both_miss_what_is_required(missing: str) -> None:
    assert not check({key: value for key, value in SOUND.items() if key != missing})


def test_a_render_loads_no_pydantic(repository: Path) -> None:
    code = (
        "import sys; from generator.cli.main import run\n"
        "assert run(['render', 'dev', '--dry-run', '-q']) == 0\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True
    )
    loaded = done.stdout.split()
    assert "yaml" in loaded
    assert "pydantic" not in loaded
    assert "pydantic_core" not in loaded
