"""Which keys of `instance.auth` go with which method; and the typed settings of an instance.

Faults are told from the plain values, so that they come together with all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from generator.config.instance_keys import (
    AuthKeys,
    ChangeGateKeys,
    ImportKeys,
    InstanceKeys,
    ProblemRuleKeys,
)
from generator.config.instance_settings import (
    AuthMethod,
    AuthSettings,
    ImportSettings,
    InstanceSettings,
    ProblemRule,
)
from generator.config.substitution import Plain
from generator.config.tree import Location, Section, dotted, steps
from generator.errors import Fault

NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    AuthMethod.BASIC: ("user", "password_from"),
    AuthMethod.OAUTH_CLIENT_CREDENTIALS: ("client_id", "client_secret_from"),
    AuthMethod.OAUTH_PASSWORD: ("user", "password_from", "client_id", "client_secret_from"),
    AuthMethod.API_KEY: ("api_key_from",),
    AuthMethod.MTLS: ("certificate", "private_key_from"),
}
"""Each method's keys (`spec/instance-http.md` A3): all of them, and none of another's."""

_ALL: Final = frozenset(key for keys in NEEDED.values() for key in keys)


def instance_faults(tree: Section, values: Mapping[str, Plain], *, file: str) -> Iterator[Fault]:
    """What is missing or too much beside the methods of `instance`, and states that stand twice.

    Args:
        tree: The merged files.
        values: Their plain values.
        file: The environment's own file, where a missing key is missing.
    """
    instance = values.get("instance")
    for name in ("auth", "upload_auth"):
        auth = instance.get(name) if isinstance(instance, dict) else None
        method = auth.get("method") if isinstance(auth, dict) else None
        needed = NEEDED.get(method) if isinstance(method, str) else None
        # Without a method that is one of ours nothing can be told; that is told already.
        if isinstance(auth, dict) and needed is not None:
            yield from _faults(("instance", name), auth, needed, tree=tree, file=file)
    gate = instance.get("change_gate") if isinstance(instance, dict) else None
    if isinstance(instance, dict) and isinstance(gate, dict):
        if "states" in gate and "change_states" in instance:
            yield _fault(
                "written-twice",
                "says the same as instance.change_gate.states; only one of them is accepted.",
                ("instance", "change_states"),
                "remove one of the two",
                tree=tree,
                file=file,
            )


def _faults(
    location: Location,
    auth: Mapping[str, Plain],
    needed: tuple[str, ...],
    *,
    tree: Section,
    file: str,
) -> Iterator[Fault]:
    method = f"method {str(auth['method'])}, which takes {' and '.join(needed)}"
    for key in needed:
        if key not in auth:
            yield _fault(
                "missing-key",
                f"is missing beside {method}.",
                (*location, key),
                "write it here, or in common.yaml for all environments",
                tree=tree,
                file=file,
            )
    for key in auth:
        if key in _ALL and key not in needed:
            yield _fault(
                "key-of-another-method",
                f"does not go with {method}.",
                (*location, key),
                "remove it, or write another method",
                tree=tree,
                file=file,
            )


def _fault(
    code: str, message: str, location: Location, step: str, *, tree: Section, file: str
) -> Fault:
    places = [place for place, _ in steps(tree, location)]
    place = places[-1] if places else None
    return Fault(
        code,
        message,
        file=file if place is None else place.file,
        line=None if place is None else place.line,
        path=dotted(location),
        next=step,
    )


def instance_settings(keys: InstanceKeys, *, directory: Path) -> InstanceSettings:
    """The instance's side of an environment, its URL apart.

    Args:
        keys: The `instance` section.
        directory: The environment's directory, which its files are relative to.
    """
    gate = ChangeGateKeys() if isinstance(keys.change_gate, bool) else keys.change_gate
    return InstanceSettings(
        auth=_auth(keys.auth, directory),
        upload_auth=_auth(keys.upload_auth, directory),
        proxy=keys.proxy,
        ca_file=_file(keys.ca_file, directory),
        production=keys.production,
        change_gate=keys.change_gate is not False,
        change_states=keys.change_states if gate.states is None else gate.states,
        change_types_unapproved=tuple(
            sorted(kind for kind, is_needed in gate.approval.items() if not is_needed)
        ),
    )


def import_settings(keys: ImportKeys) -> ImportSettings:
    """What an import may do about preview problems."""
    return ImportSettings(accept=tuple(map(_rule, keys.accept)), skip=tuple(map(_rule, keys.skip)))


def _auth(keys: AuthKeys | None, directory: Path) -> AuthSettings | None:
    if keys is None:
        return None
    return AuthSettings(
        method=keys.method,
        user=keys.user,
        password_from=keys.password_from,
        client_id=keys.client_id,
        client_secret_from=keys.client_secret_from,
        api_key_from=keys.api_key_from,
        certificate=_file(keys.certificate, directory),
        private_key_from=keys.private_key_from,
    )


def _file(name: str | None, directory: Path) -> Path | None:
    return None if name is None else (directory / name).absolute()


def _rule(keys: ProblemRuleKeys) -> ProblemRule:
    return ProblemRule(kind=keys.kind, table=keys.table, sys_id=keys.sys_id, reason=keys.reason)
