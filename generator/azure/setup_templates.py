"""Renders the scripts' templates: text as it stands, and no value without its language's quotes.

The loader, the sandbox and the words for a faulty template are those of the update sets
(`generator.update_set.templates`); only what may be printed differs.
"""

from __future__ import annotations

from pathlib import Path

from jinja2 import TemplateError

from generator.azure import setup_quoting as quoting
from generator.azure.setup_quoting import Quoted
from generator.update_set.templates import Templates


class ScriptTemplates(Templates):
    """Templates under `azure/`; a user's directory wins, as with all others."""

    def __init__(self, override: Path | None = None) -> None:
        """Args: override: A directory of the user's whose templates win over the project's."""
        super().__init__(override)
        environment = self._environment.overlay(
            # XML's escapes have no place here; `finalize` sees to every value instead.
            autoescape=False,
            finalize=_only_quoted,
            bytecode_cache=None,
        )
        environment.filters = {
            "sh": quoting.shell,
            "bare": quoting.bare,
            "url": quoting.url,
            "verbatim": quoting.verbatim,
            "ps": quoting.powershell,
            "hcl": quoting.terraform,
            "heredoc": quoting.terraform_heredoc,
            "bicep": quoting.bicep,
            "md": quoting.markdown,
            "code": quoting.code,
            "plain": quoting.plain,
            "html_comment": quoting.html_comment,
            "comment": quoting.comment,
        }
        self._environment = environment


def _only_quoted(value: object) -> str:
    if isinstance(value, Quoted):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise TemplateError("prints a value without the filter of its language (sh, ps, hcl, ...)")
