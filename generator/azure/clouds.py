"""The national clouds and their endpoints (`spec/azure-and-smtp.md` section 7).

Worldwide is documented by Microsoft; the other rows are community reports, the DoD one of
low confidence. Every endpoint can be overridden in the environment file, and this is the only
place that holds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Cloud(StrEnum):
    """Which Microsoft cloud the tenant lives in; GCC is `public`."""

    PUBLIC = "public"
    GCC_HIGH = "gcc-high"
    DOD = "dod"
    CHINA = "china"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where one cloud answers."""

    login: str
    """`https://host` of the token endpoint."""

    scope: str
    """The one scope that an SMTP client-credentials token is asked for."""

    smtp: str
    """Host name for SMTP client submission."""


ENDPOINTS: dict[Cloud, Endpoints] = {
    Cloud.PUBLIC: Endpoints(
        login="https://login.microsoftonline.com",
        scope="https://outlook.office365.com/.default",
        smtp="smtp.office365.com",
    ),
    Cloud.GCC_HIGH: Endpoints(
        login="https://login.microsoftonline.us",
        scope="https://outlook.office365.us/.default",
        smtp="smtp.office365.us",
    ),
    Cloud.DOD: Endpoints(
        login="https://login.microsoftonline.us",
        scope="https://outlook-dod.office365.us/.default",
        smtp="outlook-dod.office365.us",
    ),
    Cloud.CHINA: Endpoints(
        login="https://login.partner.microsoftonline.cn",
        scope="https://partner.outlook.cn/.default",
        smtp="smtp.partner.outlook.cn",
    ),
}

GRAPH: dict[Cloud, str] = {
    Cloud.PUBLIC: "https://graph.microsoft.com",
    Cloud.GCC_HIGH: "https://graph.microsoft.us",
    Cloud.DOD: "https://dod-graph.microsoft.us",
    Cloud.CHINA: "https://microsoftgraph.chinacloudapi.cn",
}
"""Microsoft Graph of each cloud; graded as the rows above."""

LOGIN_HOSTS: dict[str, tuple[Cloud, ...]] = {
    "login.microsoftonline.com": (Cloud.PUBLIC,),
    "login.microsoftonline.us": (Cloud.GCC_HIGH, Cloud.DOD),
    "login.partner.microsoftonline.cn": (Cloud.CHINA,),
    "login.chinacloudapi.cn": (Cloud.CHINA,),
}
"""Login host to the clouds it can mean: the US government's host does not tell which."""

SCOPES: dict[str, tuple[Cloud, ...]] = {
    endpoints.scope: (cloud,) for cloud, endpoints in ENDPOINTS.items()
}
SMTP_HOSTS: dict[str, tuple[Cloud, ...]] = {
    endpoints.smtp: (cloud,) for cloud, endpoints in ENDPOINTS.items()
}


def token_endpoint(login: str, tenant_id: str) -> str:
    """The OAuth 2.0 token endpoint (v2) of a tenant."""
    return f"{login.rstrip('/')}/{tenant_id}/oauth2/v2.0/token"
