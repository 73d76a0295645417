"""Is the instance ready: release, idle, plugin, clock, and the user's roles (A5)."""

from __future__ import annotations

from collections.abc import Mapping

from generator.instance.guards import Identity
from generator.instance.interface import Found, Read
from generator.instance.package_files import ACCOUNT_TABLE
from generator.instance.release import family, is_below
from generator.instance.run import Faults, Run

PLUGIN = "com.glide.email.oauth"
ADMIN = "admin"
AUTOMATION = "sn_cicd.sys_ci_automation"

_SKEW_REFUSED = 300.0
_SKEW_NOTED = 60.0
"""Seconds. A record that is rendered anew is dated a minute before its package, so that a clock
which is off by more may date it before the local change that it must replace (decision 4)."""


def readiness_reads() -> dict[str, Read]:
    """What the checks of this module want to know."""
    return {
        "who": Read(
            "sys_user",
            "user_name=javascript:gs.getUserName()",
            ("sys_id", "user_name", "web_service_access_only"),
            limit=2,
        ),
        "plugin": Read("v_plugin", f"id={PLUGIN}", ("id", "name", "active"), limit=5),
        "column": Read(
            "sys_dictionary",
            f"name={ACCOUNT_TABLE}^element=oauth_profile",
            ("sys_id", "name", "element"),
            limit=5,
        ),
        "upgrade": Read(
            "sys_upgrade_history", "upgrade_finishedISEMPTY", ("sys_id", "upgrade_finished")
        ),
        "mutex": Read(
            "sys_mutex", "name=Update-Mutex^acquiredISNOTEMPTY", ("sys_id", "name", "acquired")
        ),
    }


def judge_release(run: Run, identity: Identity, faults: Faults) -> None:
    """Refuse an instance older than what the package is for."""
    found = family(identity.war or "")
    wanted = run.environment.release
    if found is None:
        faults.unknown(
            "release-unread",
            f"The instance does not say its release: glide.war reads {identity.war!r}.",
            next="give this user a role that reads sys_properties (admin)",
        )
        return
    run.report.release = found
    if is_below(found, wanted):
        faults.refuse(
            "release-below",
            f"The instance runs {found}; the package is for {wanted.value} or later, and update "
            "sets do not go back to an older family.",
            next=f"write `release: {found}` in the environment file, if that is supported, and "
            "render again; or upgrade the instance",
        )


def judge_idle(found: Mapping[str, Found], faults: Faults) -> None:
    """Refuse an instance that upgrades itself, or installs something."""
    for name, what, next_step in (
        ("upgrade", "An upgrade of the instance is in progress", "import when it has ended"),
        ("mutex", "Another update operation is in progress on the instance", "import after it"),
    ):
        answer = found[name]
        if answer.error is not None:
            faults.take(answer.error)
            continue
        # Held against the question itself: an unknown part of a query is dropped (A15).
        rows = [
            row
            for row in answer.rows
            if (name == "upgrade" and not row.get("upgrade_finished"))
            or (name == "mutex" and row.get("name") == "Update-Mutex" and row.get("acquired"))
        ]
        if rows:
            faults.refuse(f"busy-{name}", f"{what}.", next=next_step)


def judge_plugin(found: Mapping[str, Found], faults: Faults) -> None:
    """The column is the proof: the list of plugins can lag behind an activation (A5)."""
    column = any(
        row.get("name") == ACCOUNT_TABLE and row.get("element") == "oauth_profile"
        for row in found["column"].rows
    )
    if column:
        return
    listed = any(
        row.get("id") == PLUGIN and row.get("active", "").lower() in ("active", "true")
        for row in found["plugin"].rows
    )
    if found["column"].error is not None:
        if not listed:
            faults.take(found["column"].error)
        return
    lag = ", though the list of plugins calls it active" if listed else ""
    faults.refuse(
        "plugin-missing",
        f"The plugin {PLUGIN} is not active: {ACCOUNT_TABLE} has no column oauth_profile{lag}. "
        "The account would arrive without its OAuth profile.",
        next=f"activate {PLUGIN} on the instance (All, Plugins), then import",
    )


def judge_skew(run: Run, faults: Faults) -> None:
    """Refuse clocks that are far apart."""
    theirs = run.instance.server_time()
    if theirs is None:
        run.report.note("the instance's clock is unknown: its answers bear no date")
        return
    skew = (theirs - run.clock.now()).total_seconds()
    if abs(skew) > _SKEW_REFUSED:
        faults.refuse(
            "clock-skew",
            f"This machine's clock and the instance's differ by {abs(skew):.0f} s; what is "
            "rendered here would be dated wrongly, and collide or lose against local changes.",
            next="set this machine's clock (NTP), render --again, then import",
        )
    elif abs(skew) > _SKEW_NOTED:
        run.report.note(f"this machine's clock and the instance's differ by {abs(skew):.0f} s")


def judge_roles(run: Run, who: Found, faults: Faults) -> None:
    """Refuse a user who may not do the work."""
    if who.error is not None:
        faults.take(who.error)
        return
    if len(who.rows) != 1:
        faults.unknown(
            "user-unknown",
            "The instance does not say which user these credentials are.",
            next="check the user and its right to read its own record (sys_user)",
        )
        return
    user = who.rows[0]
    answer = run.read(
        {
            "roles": Read(
                "sys_user_has_role",
                f"user={user['sys_id']}",
                ("user", "role.name", "inherited"),
                limit=5000,
            )
        }
    )["roles"]
    if answer.error is not None:
        faults.take(answer.error)
        return
    roles = {row.get("role.name") for row in answer.rows if row.get("user") == user["sys_id"]}
    if ADMIN in roles:
        return
    if run.environment.instance.upload_auth is not None and AUTOMATION in roles:
        return
    faults.refuse(
        "role-missing",
        f"The user {user.get('user_name')} has not the role admin, which an upload and the "
        "tables of update sets need.",
        next=f"give it admin; or give it {AUTOMATION}, oauth_admin and email_account_admin and "
        "name an admin for the upload in instance.upload_auth",
    )
