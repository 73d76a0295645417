"""The upload of an update set file in the UI (`spec/instance-http.md` A4, A6, B3.1 to 5)."""

from __future__ import annotations

from contextlib import closing, nullcontext

from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from generator.sandbox.context import Context
from generator.sandbox.login import INTERCEPTOR, login_page, login_redirect, with_session
from generator.sandbox.multipart import Form, read_form
from generator.sandbox.retrieved_sets import SETS
from generator.sandbox.unload import load_unload

FILE = "attachFile"
LIST = "/sys_remote_update_set_list.do"
PAGE_BYTES = 28_500
"""About the size of the real page [MEAS]."""

DENIED = "Security constraints prevent access to requested page"


def upload_page(context: Context) -> Response:
    """`/upload.do`: the form, with the token in a hidden field [MEAS ARK]."""
    return token_page(context, title="Import XML", action="sys_upload.do", body=_UPLOAD_FIELDS)


_UPLOAD_FIELDS = (
    '<input type="hidden" name="sysparm_upload_prefix" value="">'
    '<input type="hidden" name="sysparm_referring_url" value="sys_remote_update_set_list.do">'
    '<input type="hidden" name="sysparm_target" value="sys_remote_update_set">'
    '<input type="file" name="attachFile" id="attachFile">'
)


def token_page(context: Context, *, title: str, action: str, body: str) -> Response:
    """A page with a form and its token; without UI session the login, without role no token.

    Args:
        context: The request.
        title: Title of the page.
        action: Where its form goes.
        body: Further fields, HTML.
    """
    session = context.session
    if context.user is None or session is None or not session.is_ui:
        return login_redirect(context)
    if not context.is_admin:
        return context.html(f"<html><body>{DENIED}</body></html>")
    page = (
        f"<!DOCTYPE html><html><head><title>{title}</title>"
        f"<script>var g_ck = '{session.token}';</script></head><body>"
        f'<form action="{action}" method="post" enctype="multipart/form-data">'
        # Name before value or after it: both occur, readers must take either [MEAS].
        f'<input value="{session.token}" type="hidden" name="sysparm_ck" id="sysparm_ck">'
        f"{body}</form></body></html>"
    )
    filler = "<!--" + " " * max(0, PAGE_BYTES - len(page) - 7) + "-->"
    return with_session(context, context.html(page + filler), session)


def _list_page(context: Context) -> Response:
    """The list of retrieved sets, where an upload may redirect to; without the rows."""
    if context.user is None or context.session is None or not context.session.is_ui:
        return login_redirect(context)
    page = "<!DOCTYPE html><html><head><title>Retrieved Update Sets</title></head></html>"
    return with_session(context, context.html(page), context.session)


def _upload(context: Context) -> Response:
    """`/sys_upload.do`: reads all of the form, and says nothing about what came of it."""
    form = read_form(context.request, file_field=FILE)
    with closing(form.file) if form and form.file else nullcontext():
        return _answer(context, form or Form())


def _answer(context: Context, form: Form) -> Response:
    session = context.session
    if context.user is None or session is None or not session.is_ui:
        return login_page(context)
    token = form.fields.get("sysparm_ck") or context.request.headers.get("X-UserToken")
    if not context.sandbox.door.sessions.takes(session, token):
        return redirect(INTERCEPTOR, 302)
    why = _load(context, form)
    if why:
        context.sandbox.say(f"upload: nothing stored: {why}")
    if context.sandbox.behaviour.upload_reply == "302":
        return redirect(LIST, 302)  # [TP] GV
    return context.html("")  # [MEAS ARK]


def _load(context: Context, form: Form) -> str:
    """Store the file; else why not."""
    if form.file is None:
        return f"the form has no part {FILE} that is a file"
    if not form.file_last and not _takes_file_first(context):
        return "a field stands after the file part"
    if form.fields.get("sysparm_target", "") != SETS and form.file_last:
        return f"sysparm_target is not {SETS}"
    if not context.is_admin:
        return "the user is no admin"
    return load_unload(context.sandbox, form.file)


def _takes_file_first(context: Context) -> bool:
    """[INF] Fields after the file come too late for the CSRF check, a header does not."""
    session = context.session
    right = session is not None and context.request.headers.get("X-UserToken") == session.token
    return context.sandbox.behaviour.upload_order == "lenient" and right


ROUTES = (
    ("/upload.do", ("GET",), upload_page),
    ("/sys_upload.do", ("POST",), _upload),
    (LIST, ("GET",), _list_page),
)
"""Paths, methods and handlers (`generator.sandbox.routes`)."""
