"""Secret columns: their stored form, and who can use it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from update_set_desk import sandbox

from generator.sandbox.instance import Sandbox
from generator.sandbox.passwords import (
    KeyModule,
    decrypt,
    encrypt,
    hash_password,
    is_ciphertext,
    key_module,
    password_matches,
)
from generator.secrets.shapes import SecretKind, ciphertext_kind

OURS = KeyModule("0a" * 16, b"k" * 32)
FOREIGN = KeyModule("0b" * 16, b"k" * 32)


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 40, 300])
def test_what_goes_in_comes_out_for_the_own_key_alone(length: int) -> None:
    plain = "".join(chr(random.Random(length).randrange(32, 600)) for _ in range(length))  # noqa: S311
    stored = OURS.encrypt(plain, nonce=bytes(16))
    assert is_ciphertext(stored)
    assert ciphertext_kind(stored) is SecretKind.KMF
    assert OURS.decrypt(stored) == plain
    assert FOREIGN.decrypt(stored) is None
    assert plain == "" or plain not in stored


def test_a_length_of_the_body_is_one_that_real_values_have() -> None:
    assert len(OURS.encrypt("x" * 40, nonce=bytes(16))) == 66 + 64


@pytest.mark.parametrize("value", ["", "plain", "QUJDRA=="])
def test_other_values_are_no_ciphertext(value: str) -> None:
    assert not is_ciphertext(value)
    assert OURS.decrypt(value) is None


def test_a_wrong_key_of_the_same_name_finds_nothing() -> None:
    wrong = KeyModule(OURS.id, b"x" * 32)
    found = [wrong.decrypt(OURS.encrypt(f"text {n}", nonce=bytes(16))) for n in range(40)]
    assert not any(text and text.startswith("text") for text in found)
    assert None in found


def test_a_key_is_not_shown() -> None:
    assert "kkk" not in repr(OURS)


def test_a_sandbox_keeps_its_key_with_its_data(tmp_path: Path) -> None:
    first = Sandbox(data=tmp_path)
    stored = encrypt(first, "text")
    first.close()
    second = Sandbox(data=tmp_path)
    assert decrypt(second, stored) == "text"
    second.close()
    other = sandbox()
    assert decrypt(other, stored) is None
    assert key_module(other).id == key_module(other).id
    assert encrypt(other, "") == ""
    assert encrypt(other, "x") != encrypt(other, "x")


def test_a_hashed_password_matches_itself_alone() -> None:
    stored = hash_password("right", salt=b"salt")
    assert "right" not in stored
    assert password_matches(stored, "right")
    assert not password_matches(stored, "wrong")
    for odd in ("", "right", "scrypt:", "scrypt:zz:00", stored.partition(":")[2]):
        assert not password_matches(odd, "right")
