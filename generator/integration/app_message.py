"""The test message: an event and the notification that answers it.

It leaves the platform's own way, through whichever account sends the instance's mail, because
the outbox itself can refuse inserts from other scopes. Shapes are those of native rows: of
`sysevent_register` the newest (2023, with its two priorities), of `sysevent_email_action` all.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from generator.integration.app_inputs import (
    AppInputs,
    app_application,
    app_identities,
    domain_fields,
    file_fields,
)
from generator.update_set.records import Record, Reference, Script, Value

EVENT = "sysevent_register"
NOTIFICATION = "sysevent_email_action"
ACCOUNT_TABLE = "sys_email_account"
EVENT_SUFFIX = "smtp_oauth.test"
NOTIFICATION_NAME = "SMTP OAuth test message"

_BODY = """\
<p>This is a test message.</p>
<p>The check of the SMTP OAuth email account asked for it. That it arrived shows that this
 instance sends mail through its active SMTP email account.</p>
<p>Nobody needs to answer it.</p>"""

_NOTIFICATION_CONSTANTS: Mapping[str, Value] = MappingProxyType(
    {
        "action_insert": "false",
        "action_update": "false",
        "active": "true",
        "advanced_condition": "",
        "affected_field_on_event": "",
        # Out of the box on every instance; both native scoped exports refer to it.
        "category": Reference(
            "c97d83137f4432005f58108c3ffa917a", "Uncategorized", name="Uncategorized"
        ),
        "condition": "",
        "content_type": "text/html",
        "default_interval": "",
        "description": "",
        "digest_from": "",
        "digest_html": "",
        "digest_reply_to": "",
        "digest_separator_html": Script("<p>&nbsp;</p>\n<hr>\n<p>&nbsp;</p>"),
        "digest_separator_text": Script("\\n" + "-" * 80 + "\\n"),
        "digest_subject": "",
        "digest_template": "",
        "digest_text": "",
        "digestable": "false",
        "enable_dynamic_translation": "false",
        "event_parm_1": "true",
        "event_parm_2": "false",
        "exclude_delegates": "false",
        "force_delivery": "false",
        "from": "",
        "generation_type": "event",
        "importance": "",
        "include_attachments": "false",
        "item": "event.parm1",
        "item_table": "",
        "mandatory": "false",
        "message": "",
        "message_html": Script(_BODY),
        "message_list": "",
        "message_text": "",
        "omit_watermark": "false",
        "order": "100",
        "push_message_only": "false",
        "recipient_fields": "",
        "recipient_groups": "",
        "recipient_users": "",
        "reply_to": "",
        # Whoever runs the check may well be the recipient.
        "send_self": "true",
        "sms_alternate": "",
        "style": "",
        # COMM: notifications in use show a parameter of their event so, in subjects too.
        "subject": "Test message of the SMTP OAuth email account ${event.parm2}",
        "subscribable": "false",
        "sys_version": "2",
        "template": "",
        "type": "email",
        "weight": "0",
    }
)
"""Everything that native rows keep constant, and the text of ours."""


def event_name(inputs: AppInputs) -> str:
    """Name of the event: the scope's, so that `gs.eventQueue` accepts it there."""
    return f"{inputs.scope}.{EVENT_SUFFIX}"


def event_record(inputs: AppInputs) -> Record:
    """The registration of the event that asks for a test message."""
    sys_id = app_identities(inputs).sys_id(EVENT, EVENT)
    name = event_name(inputs)
    return Record(
        table=EVENT,
        logical_name=EVENT,
        sys_id=sys_id,
        application=app_application(inputs),
        fields={
            **file_fields(inputs, EVENT, sys_id, sys_name=name),
            "caller_access": "",
            "derived_priority": "100",
            "description": "Asks for a test message; parameter 1 is the recipient's address,"
            " parameter 2 a marker for the subject.",
            "event_name": name,
            "fired_by": "Script include SmtpOAuthHealth",
            "priority": "100",
            "queue": "",
            "suffix": EVENT_SUFFIX,
            "table": ACCOUNT_TABLE,
        },
        label=name,
        purpose="The event that asks for a test message.",
        highlights=("event_name", "table"),
        row_table=ACCOUNT_TABLE,
    )


def notification_record(inputs: AppInputs) -> Record:
    """The notification that turns the event into a message."""
    sys_id = app_identities(inputs).sys_id(NOTIFICATION, NOTIFICATION)
    return Record(
        table=NOTIFICATION,
        logical_name=NOTIFICATION,
        sys_id=sys_id,
        application=app_application(inputs),
        fields={
            **file_fields(inputs, NOTIFICATION, sys_id, sys_name=NOTIFICATION_NAME),
            **domain_fields(),
            **_NOTIFICATION_CONSTANTS,
            "collection": ACCOUNT_TABLE,
            "event_name": event_name(inputs),
            "name": NOTIFICATION_NAME,
        },
        label=NOTIFICATION_NAME,
        purpose="Answers the event with a message to the address that was asked for.",
        highlights=("name", "event_name", "subject", "event_parm_1"),
        row_table=ACCOUNT_TABLE,
    )
