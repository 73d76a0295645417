"""What each tool calls a national cloud (`spec/azure-and-smtp.md` section 7).

az and Exchange Online as documented there; Microsoft Graph PowerShell as its reference says
(Connect-MgGraph). The names that Az, the azuread and the azurerm provider use, and the portals'
hosts, are general knowledge and stand nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from generator.azure.clouds import Cloud


@dataclass(frozen=True, slots=True)
class CloudNames:
    """What each tool calls a cloud (`spec/azure-and-smtp.md` section 7)."""

    az: str
    """`az cloud set --name`."""

    exchange: str | None
    """`Connect-ExchangeOnline -ExchangeEnvironmentName`; None is the tool's default."""

    graph_powershell: str
    """`Connect-MgGraph -Environment`."""

    az_powershell: str
    """`Connect-AzAccount -Environment` (graded memory)."""

    terraform: str
    """`environment` of the azuread provider (graded memory)."""

    terraform_azure: str
    """`environment` of the azurerm provider, which has other names (graded memory)."""

    vault: str
    """Suffix of its key vaults."""

    portal: str
    """The portal of a person (graded memory)."""


CLOUD_NAMES: Final[dict[Cloud, CloudNames]] = {
    Cloud.PUBLIC: CloudNames(
        "AzureCloud",
        None,
        "Global",
        "AzureCloud",
        "global",
        "public",
        "azure.net",
        "entra.microsoft.com",
    ),
    Cloud.GCC_HIGH: CloudNames(
        "AzureUSGovernment",
        "O365USGovGCCHigh",
        "USGov",
        "AzureUSGovernment",
        "usgovernmentl4",
        "usgovernment",
        "usgovcloudapi.net",
        "entra.microsoft.us",
    ),
    Cloud.DOD: CloudNames(
        "AzureUSGovernment",
        "O365USGovDoD",
        "USGovDoD",
        "AzureUSGovernment",
        "usgovernmentl5",
        "usgovernment",
        "usgovcloudapi.net",
        "entra.microsoft.us",
    ),
    Cloud.CHINA: CloudNames(
        "AzureChinaCloud",
        "O365China",
        "China",
        "AzureChinaCloud",
        "china",
        "china",
        "azure.cn",
        "entra.microsoftonline.cn",
    ),
}
