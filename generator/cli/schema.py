"""`sn-smtp schema`: the published JSON schema of the environment file."""

from __future__ import annotations

import click

from generator.cli.options import answers
from generator.cli.output import Outcome, Session


@click.command(epilog="Exit codes: 0 done.")
@answers
def schema(session: Session) -> Outcome:
    """Print the JSON schema of environment.yaml and common.yaml.

    Editors use it through the first line of those files: # yaml-language-server: $schema=...
    """
    from generator.config.schema import environment_schema, schema_text

    return Outcome(result=environment_schema(), text=schema_text().rstrip("\n"))
