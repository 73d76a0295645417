"""From a source by reference, as a key ending in `_from` names it, to the secret.

`docs/secrets.md` explains each source to its user.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from generator.secrets.acceptable import refusal
from generator.secrets.command_source import CommandSource, Run, run_program
from generator.secrets.env_source import EnvSource
from generator.secrets.file_source import FileSource
from generator.secrets.forms import ACCEPTED, KEY_VAULT_PATTERN, VAULT_PATTERN
from generator.secrets.interface import Secret, SecretSource
from generator.secrets.keyring_source import KeyringSource
from generator.secrets.prompt_source import PromptSource


def resolve(
    source: str,
    *,
    directory: Path,
    variables: Mapping[str, str],
    prompt: Callable[[str], str] | None,
    key: str,
    run: Run = run_program,
) -> Secret:
    """Get the secret that a source names, now.

    Args:
        source: `env:NAME`, `file:PATH`, `command:COMMAND`, `prompt`, `keyring:SERVICE/USER`,
            `keyvault:URL` or `vault:MOUNT/PATH#KEY`.
        directory: The environment's directory: what paths are relative to, where commands run.
        variables: The environment variables.
        prompt: Asks at the terminal without showing what is typed; None if there is none.
        key: The key that names the source, for messages: `instance.auth.password_from`.
        run: Runs the program of a `command:`.

    Raises:
        ConfigError: The source is none, or its secret cannot be had; names key and source, never
            what the source held.
        RemoteError: A vault did not clearly answer.
    """
    return secret_source(
        source, directory=directory, variables=variables, prompt=prompt, key=key, run=run
    ).fetch()


def secret_source(
    source: str,
    *,
    directory: Path,
    variables: Mapping[str, str],
    prompt: Callable[[str], str] | None,
    key: str,
    run: Run = run_program,
) -> SecretSource:
    """The source itself, of which nothing is read yet; arguments and errors as of `resolve`.

    A vault's is a `WritableSecretSource`, unless it names a version.
    """
    kind, _, rest = source.partition(":")
    if source == "prompt":
        return PromptSource(prompt, key)
    if kind == "env" and rest:
        return EnvSource(rest, variables, key)
    if kind == "file" and rest:
        return FileSource(rest, directory, key)
    if kind == "command" and rest:
        return CommandSource(rest, directory, variables, key, run)
    service, _, user = rest.partition("/")
    if kind == "keyring" and service and user:
        return KeyringSource(service, user, key)
    vault = _vault_source(source, variables=variables, key=key)
    if vault is not None:
        return vault
    # The text is not repeated: it may be the secret itself.
    raise refusal(
        "secret-source",
        f"is no source of a secret; accepted are {ACCEPTED}.",
        source="this",
        key=key,
        next="name where the secret is",
    )


def _vault_source(source: str, *, variables: Mapping[str, str], key: str) -> SecretSource | None:
    """The source that is a vault's, if it is one; each is loaded only where it is named."""
    if found := re.fullmatch(KEY_VAULT_PATTERN, source):
        from generator.secrets.key_vault_source import KeyVaultSource, WritableKeyVaultSource

        key_vault = KeyVaultSource if found[4] else WritableKeyVaultSource
        return key_vault(source, variables, key)
    if found := re.fullmatch(VAULT_PATTERN, source):
        from generator.secrets.vault_source import VaultSource, WritableVaultSource

        vault = VaultSource if found[5] else WritableVaultSource
        return vault(source, variables, key)
    return None
