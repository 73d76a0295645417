"""Parameters of REST calls that the sandbox does not read: said, since an instance might read them.

`spec/instance-http.md` A15 names the ones that are understood.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from generator.sandbox.context import Context
from generator.sandbox.notes import note

_PATH = re.compile(r"/api/now(?:/v\d)?/(?P<family>table|stats|attachment|wfa_fluent)(?:/|$)")
_NAME = re.compile(r"sysparm_[a-z_]{1,60}")
_LONGEST = 200

_READ: Mapping[str, frozenset[str]] = {
    "table": frozenset(
        {
            "sysparm_query",
            "sysparm_fields",
            "sysparm_limit",
            "sysparm_offset",
            "sysparm_display_value",
            "sysparm_input_display_value",
            "sysparm_exclude_reference_link",
            "sysparm_no_count",
            "sysparm_suppress_pagination_header",
        }
    ),
    "stats": frozenset(
        {
            "sysparm_query",
            "sysparm_count",
            "sysparm_group_by",
            "sysparm_avg_fields",
            "sysparm_min_fields",
            "sysparm_max_fields",
            "sysparm_sum_fields",
        }
    ),
    "attachment": frozenset({"sysparm_query", "sysparm_limit", "sysparm_offset"}),
    "wfa_fluent": frozenset({"sysparm_transaction_scope"}),
}
"""What each family of calls reads."""


def note_ignored(context: Context) -> None:
    """Note each `sysparm_*` of a REST call that has no effect here, once per path and name."""
    request = context.request
    if not request.path.startswith("/api/"):
        return
    found = _PATH.match(request.path)
    known = _READ[found["family"]] if found else frozenset[str]()
    for name in request.args:
        if _NAME.fullmatch(name) and name not in known:
            what = f"{request.method} {request.path[:_LONGEST]}: {name} has no effect here"
            note(context.sandbox, what, once=True)
