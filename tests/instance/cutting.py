"""A connection that is cut at one request, or from one on, and what is then on the instance."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from requests import PreparedRequest, Response
from requests import exceptions as failures

from generator.sandbox.adapter import SandboxAdapter
from generator.sandbox.instance import Sandbox


class Cut(StrEnum):
    """Where the connection is cut."""

    BEFORE = "before the request is sent"
    AFTER = "after the request was carried out, before its answer"
    WITHIN = "in the middle of the answer"


class CutAdapter(SandboxAdapter):
    """Talks to a sandbox until its line is cut."""

    def __init__(self, sandbox: Sandbox, *, at: int, how: Cut, dead: bool) -> None:
        """Cut at the request of this number (from 0); `dead`: nothing works afterwards."""
        super().__init__(sandbox.wsgi)
        self.at = at
        self.how = how
        self.dead = dead
        self.count = 0
        self.cut: str = ""

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: object = None,
        verify: object = True,
        cert: object = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        number, self.count = self.count, self.count + 1
        if number > self.at and self.dead:
            raise failures.ConnectionError("dead", request=request)
        if number != self.at:
            return super().send(request, stream, timeout, verify, cert, proxies)
        self.cut = f"{request.method} {request.path_url[:90]}"
        if self.how is Cut.BEFORE:
            raise failures.ConnectionError("cut", request=request)
        response = super().send(request, True, timeout, verify, cert, proxies)
        if self.how is Cut.AFTER:
            raise failures.ConnectionError("cut", request=request)
        whole = response.raw.read(decode_content=False)
        response.raw._fp.seek(0)
        response.raw._fp.truncate(len(whole) // 2)
        response.raw._fp_bytes_read = 0
        response.raw.length_remaining = len(whole)
        return response


def state(sandbox: Sandbox) -> dict[str, object]:
    """What an import leaves: records without stamps, commits, and what would be left over."""
    database = sandbox.database
    tables = (
        *("oauth_entity", "oauth_entity_profile", "oauth_entity_scope", "sys_email_account"),
        *("oauth_entity_profile_scope", "sys_app", "sys_user_role", "sys_script_include"),
        *("sys_properties", "sys_scope_privilege", "sys_hub_action_type_definition"),
        *("sysevent_register", "sysevent_email_action", "sys_variable_value"),
    )
    found: dict[str, object] = {}
    for table in tables:
        found[table] = {
            row["sys_id"]: {
                name: bool(value) if name == "client_secret" else value
                for name, value in row.items()
                if name not in _STAMPS
            }
            for row in database.query(table)
        }
    sets = {row["sys_id"]: row["state"] for row in database.query("sys_remote_update_set")}
    found["sets"] = sets
    local = [row["sys_id"] for row in database.query("sys_update_set", "remote_sys_idISNOTEMPTY")]
    found["commits"] = len(local)
    updates = database.query("sys_update_xml")
    remote = [row.get("remote_update_set", "") for row in updates]
    found["updates"] = {sys_id: remote.count(sys_id) for sys_id in sets}
    found["orphans"] = len([sys_id for sys_id in remote if sys_id and sys_id not in sets])
    found["copies"] = sorted(
        len([row for row in updates if row.get("update_set") == sys_id]) for sys_id in local
    )
    mine = {row["sys_id"] for row in updates}
    found["dangling"] = len(
        [r for r in database.query("sys_update_preview_xml") if r["remote_update"] not in mine]
    )
    return found


_STAMPS = frozenset(
    {"sys_created_on", "sys_created_by", "sys_updated_on", "sys_updated_by", "sys_mod_count"}
)
