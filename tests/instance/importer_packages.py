"""Packages to import, made in memory, and rendered ones on disk."""

from __future__ import annotations

from pathlib import Path

from packages import render

from generator.config.environment import Environment
from generator.instance.package_files import (
    Package,
    PackageRecord,
    PackageSet,
    Unit,
    load_package,
)
from generator.update_set.package_state import require_whole

ID = "0123456789abcdef0123456789abcd"


def sys_id(number: int) -> str:
    """A sys_id that ends in a number."""
    return f"{ID}{number:02x}"


def rendered(environment: Environment) -> Package:
    """The environment rendered into its directory and read back."""
    render(environment)
    return load_package(environment.directory, require_whole(environment.directory))


def record(
    table: str = "oauth_entity",
    number: int = 1,
    *,
    role: str = "global",
    action: str = "INSERT_OR_UPDATE",
    children: dict[str, tuple[str, ...]] | None = None,
    **fields: str,
) -> PackageRecord:
    """One record of a package."""
    return PackageRecord(
        update_name=f"{table}_{sys_id(number)}",
        row_sys_id=sys_id(number + 100),
        role=role,
        action=action,
        table=table,
        sys_id=sys_id(number),
        label=fields.get("name", "label"),
        type=table,
        fields={"sys_id": sys_id(number), **fields},
        children=children or {},
    )


def package(*records: PackageRecord, batch: bool = True, live: bool = False) -> Package:
    """A package of two sets, not on disk."""
    sets = tuple(
        PackageSet(
            role=role,
            name="Mail OAuth 1.0.0 (dev)",
            sys_id=sys_id(200 + number),
            updates=sum(r.role == role for r in records),
            signature=f"sn-smtp x_acme_mail dev {role}",
            application="global",
        )
        for number, role in enumerate(("global", "app"))
    )
    units = (Unit(Path("both.xml"), sets),) if batch else tuple(Unit(Path("x"), (s,)) for s in sets)
    return Package(
        digest="d" * 64,
        live=live,
        units=units,
        records=records,
        account=record("sys_email_account", 99, name="Account", active="false"),
    )
