"""What an HTML page of an instance is, and the token in it. Nothing in a page is followed."""

from __future__ import annotations

import re
from enum import StrEnum
from urllib.parse import urlsplit

from generator.instance.calls import Answer

_TITLE = re.compile(rb"<title[^>]{0,200}>([^<]{0,300})", re.IGNORECASE)
_SESSION_TOKEN = re.compile(r"""var\s+g_ck\s*=\s*['"]([0-9A-Za-z]{16,256})['"]""")
_TOKEN = re.compile(r"[0-9A-Za-z]{16,256}", re.ASCII)
"""72 hexadecimal digits (A4); what another release may have must be as harmless in a header."""

_SIGN_ON = ("/sso", "_sso", "saml", "auth_redirect", "adfs", "oauth2/authorize", "external_login")
_LARGEST_PAGE = 2 * 1024 * 1024


class Page(StrEnum):
    """Pages and redirects that come instead of what was asked for."""

    HIBERNATING = "hibernating"
    SIGN_ON = "sign_on"
    """Single sign-on: another party is to ask for the password."""

    LOGIN = "login"
    STALE_TOKEN = "stale_token"  # noqa: S105 - a kind of page
    OTHER = "other"


def what_page(answer: Answer, *, host: str) -> Page:
    """Which page or redirect an answer is.

    Args:
        answer: An answer with HTML, or a redirect.
        host: The instance's own name, which redirects may stay on.
    """
    if 300 <= answer.status < 400:
        return _what_redirect(answer.headers.get("location", ""), host=host)
    start = answer.body[: 256 * 1024]
    lower = start.lower()
    if b"instance hibernating page" in lower or b"your instance is hibernating" in lower:
        return Page.HIBERNATING
    if b"samlrequest" in lower or b"login_with_sso" in lower or b"auth_redirect.do" in lower:
        return Page.SIGN_ON
    if b"user_password" in lower or b"sysverb_login" in lower:
        return Page.LOGIN
    return Page.OTHER


def _what_redirect(location: str, *, host: str) -> Page:
    try:
        parts = urlsplit(location)
        other = (parts.hostname or host).lower()
    except ValueError:
        return Page.OTHER
    path = parts.path.lower()
    if "security_interceptor" in path:
        return Page.STALE_TOKEN
    if other != host or any(mark in path for mark in _SIGN_ON):
        return Page.SIGN_ON
    if "login" in path or "logout" in path or path.endswith("welcome.do"):
        return Page.LOGIN
    return Page.OTHER


def redirect_host(answer: Answer) -> str:
    """The host that a redirect names; "" if none."""
    try:
        return urlsplit(answer.headers.get("location", "")).hostname or ""
    except ValueError:
        return ""


def title(answer: Answer) -> str:
    """The title of a page, for a message; "" if it has none."""
    found = _TITLE.search(answer.body[: 64 * 1024])
    return found.group(1).decode("utf-8", "replace").strip() if found else ""


def form_token(answer: Answer) -> str | None:
    """The hidden input `sysparm_ck`, its attributes in any order (A4); None if there is none."""
    from lxml import etree

    if not answer.body or len(answer.body) > _LARGEST_PAGE:
        return None
    parser = etree.HTMLParser(no_network=True, huge_tree=False, encoding="utf-8")
    try:
        # A page without an element, as of a comment alone, gives None.
        tree: etree._Element | None = etree.fromstring(answer.body, parser)
    except (etree.LxmlError, ValueError):
        return None
    for field in tree.iter("input") if tree is not None else ():
        value = field.get("value") or ""
        if field.get("name") == "sysparm_ck" and _TOKEN.fullmatch(value):
            return value
    return None


def session_token(answer: Answer) -> str | None:
    """`var g_ck = '...'`, which a page shows to whoever is signed in; None if there is none."""
    found = _SESSION_TOKEN.search(answer.text[:_LARGEST_PAGE])
    return found.group(1) if found else None


def header_token(answer: Answer) -> str | None:
    """`X-UserToken-Response` (A4); None if there is none."""
    value = answer.headers.get("x-usertoken-response", "")
    return value if _TOKEN.fullmatch(value) else None


def is_logged_in(answer: Answer) -> bool:
    """Whether the instance says that the session is somebody's (`X-Is-Logged-In`)."""
    return answer.headers.get("x-is-logged-in", "").strip().lower() == "true"
