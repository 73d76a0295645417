"""The door where a secret that stands in an input is tested and dropped.

`spec/azure-and-smtp.md` section 2.3 (f) and (g). Only the first three characters pass, which
Graph publishes as `hint`; they are compared later with the hints of other documents.
"""

from __future__ import annotations

from generator.azure.model import Notice, Severity, Sourced
from generator.azure.nodes import Node
from generator.azure.values import Mask, guid, is_reference, mask_of
from generator.errors import Fault

SECRET = "client_secret"  # noqa: S105 - the name of a value, not a value
"""What notices about the secret concern."""

_DELIVER = "enter it on the instance, in System OAuth > Application Registry"

_MASKED: dict[Mask, tuple[str, str]] = {
    Mask.PULUMI: ("secret-masked-pulumi", "is masked by Pulumi (no --show-secrets)"),
    Mask.TERRAFORM: ("secret-masked-terraform", "is masked by Terraform (no -json)"),
    Mask.UNKNOWN_YET: ("secret-not-known-yet", "is not known before terraform apply"),
    Mask.POWERSHELL: (
        "secret-masked-powershell",
        "is a SecureString of PowerShell, of which only the type's name was written",
    ),
    Mask.REDACTED: ("secret-redacted", "is blacked out, as logs and pipelines do"),
    Mask.PLACEHOLDER: ("secret-placeholder", "is a placeholder that nobody has filled in"),
}
"""Code, and what the secret is said to be."""


def examine(node: Node) -> tuple[Sourced[str] | None, tuple[Notice | Fault, ...]]:
    """Test what stands where a client secret is expected.

    Args:
        node: The place; its value is looked at and not kept.

    Returns:
        The secret's first three characters if there was one, and what to tell the user.
    """
    value = node.value
    if node.clash or (value is not None and not isinstance(value, str)):
        fault = Fault(
            "secret-not-text",
            "the client secret must be one text",
            file=node.file,
            path=node.path,
        )
        return None, (fault,)
    if value is None:
        return None, (_not_there(node, "secret-null", "is null"),)
    if not value.strip():
        return None, (_not_there(node, "secret-empty", "is an empty text"),)
    mask = mask_of(value)
    if mask is not None:
        return None, (_not_there(node, *_MASKED[mask]),)
    if is_reference(value):
        told = "is only referred to (the address of a vault)"
        return None, (_not_there(node, "secret-reference", told),)
    if guid(value.strip()) is not None:
        return None, (_secret_id(node),)
    return Sourced(value.strip()[:3], node.file, node.path), tuple(_present(node, value))


def withheld(node: Node) -> Notice:
    """The note that a secure output of ARM or Bicep came, as always, without its value."""
    told = "is a secure output of ARM or Bicep (SecureString), which carries no value"
    return _not_there(node, "secret-withheld", told)


def met(node: Node, *, what: str) -> Notice:
    """The warning that a secret stands in an input."""
    return _notice(
        "secret-in-input",
        Severity.WARNING,
        f"{what} stands here in clear; it was not read into anything",
        node,
        next=f"remove it from the file, keep the file out of version control, and {_DELIVER}",
    )


def _not_there(node: Node, code: str, told: str) -> Notice:
    message = f"the client secret {told}; none is needed here"
    return _notice(code, Severity.NOTE, message, node, next=_DELIVER)


def _secret_id(node: Node) -> Notice:
    return _notice(
        "secret-id-not-value",
        Severity.WARNING,
        "where the client secret is expected stands a GUID: that is the Secret ID, and Entra "
        "would refuse it as a secret (AADSTS7000215)",
        node,
        next="use the secret's Value; it is shown once, so create a new secret if it is lost",
    )


def _present(node: Node, value: str) -> list[Notice]:
    told = [met(node, what="a client secret")]
    if value != value.strip():
        told.append(
            _notice(
                "secret-white-space",
                Severity.WARNING,
                "the client secret has white space around it, which is not part of it",
                node,
                next="take it without the line end or spaces when it is delivered",
            )
        )
    if "%7e" in value.lower():
        told.append(
            _notice(
                "secret-percent-encoded",
                Severity.WARNING,
                "the client secret holds %7E, so its ~ was encoded and Entra would refuse it",
                node,
                next="take the secret as it was shown, before any URL encoding",
            )
        )
    return told


def _notice(code: str, severity: Severity, message: str, node: Node, *, next: str) -> Notice:
    return Notice(code, severity, message, node.file, node.path or None, next, SECRET)
