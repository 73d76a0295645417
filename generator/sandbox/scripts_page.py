"""`/sys.scripts.do`: the page is there; it runs nothing (`spec/instance-http.md` B1)."""

from __future__ import annotations

from werkzeug.wrappers import Response

from generator.sandbox.context import Context
from generator.sandbox.login import login_redirect
from generator.sandbox.notes import note
from generator.sandbox.upload import token_page

NOT_SUPPORTED = "not supported by this sandbox"


def _page(context: Context) -> Response:
    body = '<textarea name="script"></textarea><input type="submit" name="runscript">'
    return token_page(context, title="Background scripts", action="sys.scripts.do", body=body)


def _run(context: Context) -> Response:
    if context.user is None or context.session is None or not context.session.is_ui:
        return login_redirect(context)
    note(context.sandbox, "POST /sys.scripts.do: scripts are not run")
    return context.html(f"<html><body><pre>{NOT_SUPPORTED}</pre></body></html>")


ROUTES = (
    ("/sys.scripts.do", ("GET",), _page),
    ("/sys.scripts.do", ("POST",), _run),
)
"""Paths, methods and handlers (`generator.sandbox.routes`)."""
