"""The stand-ins of an environment's tenant, and the variables that lead `sn-smtp` to them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from generator.sandbox.mail.mail_switches import MailBehaviour
from generator.sandbox.mail.stand_in import MailSandbox

if TYPE_CHECKING:
    from generator.config.environment import Environment

UNKNOWN_PRINCIPAL = "00000000-0000-4000-8000-000000000001"
"""Object id of the service principal where the environment does not know it."""


def stand_ins_for(
    environment: Environment, *, behaviour: MailBehaviour, data: Path | None = None
) -> MailSandbox:
    """Stand-ins of what an environment file names; nothing is served yet.

    Args:
        environment: The environment.
        behaviour: Switches.
        data: Directory that keeps messages, in `mailbox`; None keeps none.
    """
    azure, account = environment.azure, environment.email_account
    return MailSandbox(
        tenant_id=azure.tenant_id,
        client_id=azure.client_id,
        service_principal_object_id=azure.service_principal_object_id or UNKNOWN_PRINCIPAL,
        mailbox=account.user_name,
        from_address=account.from_address,
        authorization=azure.authorization,
        cloud=azure.cloud,
        scope=azure.scope,
        behaviour=behaviour,
        connection_security=account.connection_security,
        secret_hint=azure.secret_hint or "",
        secret_expires_on=azure.secret_expires_on,
        mailbox_directory=data,
    )


def variables_for(mail: MailSandbox) -> Mapping[str, str]:
    """Variables that lead to running stand-ins; the `AZURE_` ones sign in to their Graph."""
    return {
        "SN_SMTP_ENTRA": mail.entra_url,
        "SN_SMTP_GRAPH": mail.graph_url,
        "SN_SMTP_SMTP": f"{mail.smtp_host}:{mail.smtp_port}",
        "SN_SMTP_MAIL_CA": str(mail.ca_file),
        "AZURE_TENANT_ID": mail.tenant.tenant_id,
        "AZURE_CLIENT_ID": mail.operator_client_id,
        "AZURE_CLIENT_SECRET": mail.operator_secret,
    }
