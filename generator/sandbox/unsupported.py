"""Requests that no route answers: as an instance would, and on the log what came nearest.

A path below `/api` is 404 JSON (A16) [MEAS]. A `.do` page is 404 for who is signed in, else the
way to the login [MEAS]. The sandbox never pretends: each is listed by `GET
/__sandbox__/unsupported`.
"""

from __future__ import annotations

import difflib
from functools import cache

from werkzeug.wrappers import Response

from generator.sandbox.context import Context
from generator.sandbox.login import login_redirect
from generator.sandbox.routes import collect

MOST = 1000
"""How many are kept; beyond that only the log has them."""

LONGEST = 200


def answer(context: Context) -> Response:
    """Answer a request that no route knows, and note it."""
    request = context.request
    line = f"{request.method} {request.path[:LONGEST]}: {nearest(request.path)}"
    if len(context.sandbox.unsupported) < MOST:
        context.sandbox.unsupported.append(line)
    context.sandbox.say(f"unsupported {line}")
    if request.path.startswith("/api/"):
        return context.error(404, "Requested URI does not represent any resource")
    if context.user is None and request.path.endswith(".do"):
        return login_redirect(context)
    page = "<!DOCTYPE html><html><head><title>Page not found</title></head><body></body></html>"
    return context.html(page, status=404)


def nearest(path: str) -> str:
    """The route that comes nearest to a path, and how the two differ."""
    rules = _rules()
    close = difflib.get_close_matches(path[:LONGEST], rules, n=1, cutoff=0.5)
    if not close:
        return "no route is near"
    return f"nearest is {close[0]} ({_difference(path[:LONGEST], close[0])})"


def _difference(path: str, rule: str) -> str:
    """Segments that stand where the route has others; its variable parts take anything."""
    mine, its = path.split("/"), rule.split("/")
    told: list[str] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(a=mine, b=its, autojunk=False).get_opcodes():
        given, wanted = mine[a:b], its[c:d]
        if tag == "equal":
            continue
        if len(given) == len(wanted):
            pairs = zip(given, wanted, strict=True)
            told += [f"{x!r} instead of {y!r}" for x, y in pairs if not y.startswith("<")]
        else:
            told += [f"{part!r} too much" for part in given]
            told += [f"{part!r} missing" for part in wanted]
    return ", ".join(told) or "only the method or the variable parts differ"


@cache
def _rules() -> tuple[str, ...]:
    return tuple(sorted({rule for rule, _, _ in collect()}))
