"""The keys below `instance` and `import`: how the instance is reached and what imports may do.

Read as `generator.config.keys` is.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Final

from generator.config import instance_values
from generator.config.declared import Key, Keys, Shape, section
from generator.config.instance_settings import AuthMethod, ProblemKind
from generator.config.kinds import FILE_NAME, FLAG, HTTPS_HOST, SECRET_SOURCE, SYS_ID
from generator.config.rules import choices, line, text, written
from generator.secrets.forms import ACCEPTED

STATE: Final = written(
    instance_values.change_state,
    pattern=instance_values.STATE_PATTERN,
    longest=5,
    number={"type": "integer", "minimum": -9999, "maximum": 9999},
)


@section
class AuthKeys(Keys):
    """How requests are authenticated; which keys go together follows from the method."""

    method: Annotated[
        AuthMethod,
        Key(
            choices(AuthMethod),
            "basic (user, password_from), oauth_client_credentials (client_id, "
            "client_secret_from), oauth_password (all four), api_key (api_key_from) or mtls "
            "(certificate, private_key_from).",
        ),
    ]
    user: Annotated[
        str | None, Key(line(instance_values.LONGEST_USER), "User name on the instance.")
    ] = None
    password_from: Annotated[
        str | None,
        Key(
            SECRET_SOURCE,
            f"Where the user's password is, never the password: {ACCEPTED}.",
        ),
    ] = None
    client_id: Annotated[
        str | None,
        Key(
            line(instance_values.LONGEST_CLIENT_ID),
            "Client ID of the instance's own application registry entry for inbound requests.",
        ),
    ] = None
    client_secret_from: Annotated[
        str | None, Key(SECRET_SOURCE, "Where that entry's client secret is.")
    ] = None
    api_key_from: Annotated[str | None, Key(SECRET_SOURCE, "Where the API key is.")] = None
    certificate: Annotated[
        str | None,
        Key(
            FILE_NAME,
            "PEM file of the client certificate, relative to the environment's directory.",
        ),
    ] = None
    private_key_from: Annotated[
        str | None, Key(SECRET_SOURCE, "Where the certificate's private key is, a PEM text.")
    ] = None


@section
class ChangeGateKeys(Keys):
    """What a change request must be like that opens production; what is not written is usual."""

    states: Annotated[
        tuple[str, ...] | None,
        Key(
            STATE,
            "States of the change request that open it, as stored; instead of change_states.",
            Shape.LIST,
            example="[-1]",
        ),
    ] = None
    approval: Annotated[
        Mapping[str, bool],
        Key(
            FLAG,
            "Type of change (`type` as stored: normal, standard, emergency) to whether its "
            "approval must read approved. Default for each: true.",
            Shape.NAMED,
        ),
    ] = field(default_factory=dict)


@section
class InstanceKeys(Keys):
    """The ServiceNow instance."""

    url: Annotated[
        str, Key(HTTPS_HOST, "https:// and the host name of the instance, nothing after it.")
    ]
    auth: Annotated[
        AuthKeys | None, Key(AuthKeys, "How requests to the instance are authenticated.")
    ] = None
    upload_auth: Annotated[
        AuthKeys | None,
        Key(AuthKeys, "How a UI session is opened for the upload, where auth cannot open one."),
    ] = None
    proxy: Annotated[
        str | None,
        Key(
            text(
                instance_values.proxy,
                pattern=instance_values.PROXY_PATTERN,
                longest=instance_values.LONGEST_PROXY,
            ),
            "Proxy, http://host:port, without user and password.",
        ),
    ] = None
    ca_file: Annotated[
        str | None,
        Key(
            FILE_NAME,
            "PEM file of the certificate authorities to trust instead of the usual ones, "
            "relative to the environment's directory.",
        ),
    ] = None
    production: Annotated[
        bool | None,
        Key(
            FLAG,
            "Whether this is the production instance; whatever writes to an instance requires "
            "it. Only in environment.yaml, never in common.yaml.",
        ),
    ] = None
    change_gate: Annotated[
        bool | ChangeGateKeys,
        Key(
            ChangeGateKeys,
            "Whether a change request may open production for an import; a mapping means that it "
            "may, and says what it must be like.",
            or_flag=True,
        ),
    ] = False
    change_states: Annotated[
        tuple[str, ...],
        Key(
            STATE,
            "States of the change request that open it, as stored; -1 is Implement.",
            Shape.LIST,
            example="[-1]",
        ),
    ] = ("-1",)


@section
class ProblemRuleKeys(Keys):
    """One kind of preview problem of one table, decided about beforehand."""

    kind: Annotated[ProblemKind, Key(choices(ProblemKind), "Kind of the problem.")]
    table: Annotated[
        str,
        Key(
            text(
                instance_values.table,
                pattern=instance_values.TABLE_PATTERN,
                longest=instance_values.LONGEST_TABLE,
            ),
            "Table of the update's record.",
        ),
    ]
    sys_id: Annotated[
        str | None, Key(SYS_ID, "That one record. Default: every record of the table.")
    ] = None
    reason: Annotated[
        str, Key(line(instance_values.LONGEST_REASON), "Why, for whoever reads it later.")
    ]


@section
class ImportKeys(Keys):
    """What an import may do about preview problems."""

    accept: Annotated[
        tuple[ProblemRuleKeys, ...],
        Key(
            ProblemRuleKeys,
            "Problems that are accepted: the update is committed all the same.",
            Shape.LIST,
            example="- {kind: collision, table: sys_script_include, reason: ...}",
        ),
    ] = ()
    skip: Annotated[
        tuple[ProblemRuleKeys, ...],
        Key(
            ProblemRuleKeys,
            "Problems whose update is skipped: the instance keeps what it has.",
            Shape.LIST,
            example="- {kind: collision, table: sys_script_include, reason: ...}",
        ),
    ] = ()
