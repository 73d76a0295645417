"""How a source is written, for the messages, the schema and the sources themselves.

Key Vault's own forms: a vault's name has 3 to 24 letters, digits and hyphens, a secret's 1 to 127,
a version is 32 hexadecimal digits, and each national cloud has a suffix of its own (Microsoft,
"About Azure Key Vault: objects, identifiers and versioning").
"""

from __future__ import annotations

from typing import Final

KEY_VAULT_PATTERN: Final = (
    r"keyvault:(https://[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]"
    r"\.vault\.(azure\.net|azure\.cn|usgovcloudapi\.net))"
    r"/secrets/([A-Za-z0-9-]{1,127})(/[0-9a-fA-F]{32})?"
)
"""Groups: the vault's URL, its suffix, the secret's name, and `/` with the version."""

_SEGMENT: Final = r"(?!\.{1,2}[/#])[^\s/#?@]+"
"""Part of a path; one that is only dots would lead out of it."""

VAULT_PATTERN: Final = (
    rf"vault:({_SEGMENT})/({_SEGMENT}(/{_SEGMENT})*)#([^\s#@]+)(@[1-9][0-9]{{0,8}})?"
)
"""Groups: mount, path, the path's last segment, key, and `@` with the version."""

SOURCE_PATTERN: Final = (
    r"env:[A-Za-z_][A-Za-z0-9_]*|file:\S.*|command:\S.*|prompt|keyring:[^\s/]+/\S.*|"
    + KEY_VAULT_PATTERN
    + "|"
    + VAULT_PATTERN
)
"""What a key ending in `_from` may say."""

ACCEPTED: Final = (
    "env:NAME, file:PATH, command:COMMAND, prompt, keyring:SERVICE/USER, "
    "keyvault:https://VAULT.vault.azure.net/secrets/NAME or vault:MOUNT/PATH#KEY"
)
"""The same for a person."""
