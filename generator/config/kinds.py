"""The kinds of values that keys have: for each its rule, named once for all keys that share it."""

from __future__ import annotations

from functools import partial
from typing import Final

from generator.config import values
from generator.config.rules import flag, line, text, written
from generator.secrets.forms import SOURCE_PATTERN

ACCOUNT_NAME: Final = line(values.LONGEST_ACCOUNT_NAME)
LABEL: Final = line(values.LONGEST_LABEL, shortest=0)
FILE_NAME: Final = line(values.LONGEST_PATH)
COMMENTS: Final = text(
    partial(values.paragraphs, longest=values.LONGEST_COMMENTS),
    longest=values.LONGEST_COMMENTS,
    multiline=True,
)
VERSION: Final = written(
    values.version, pattern=values.VERSION_PATTERN, longest=values.LONGEST_VERSION
)
APP_VERSION: Final = text(
    values.app_version, pattern=values.APP_VERSION_PATTERN, longest=values.LONGEST_VERSION
)
APP_SCOPE: Final = text(
    values.app_scope, pattern=values.SCOPE_PATTERN, longest=values.LONGEST_SCOPE
)
GUID: Final = text(values.guid, pattern=values.GUID_PATTERN)
SYS_ID: Final = text(values.sys_id, pattern=values.SYS_ID_PATTERN)
ADDRESS: Final = text(
    values.address, pattern=values.ADDRESS_PATTERN, longest=values.LONGEST_ADDRESS
)
HOST: Final = text(values.host, pattern=values.HOST_PATTERN, longest=values.LONGEST_HOST)
HTTPS_HOST: Final = text(
    values.https_host,
    pattern=f"[Hh][Tt][Tt][Pp][Ss]://{values.HOST_PATTERN}",
    longest=values.LONGEST_HOST + len("https://"),
)
OAUTH_SCOPE: Final = text(
    values.oauth_scope, pattern=values.OAUTH_SCOPE_PATTERN, longest=values.LONGEST_HOST
)
SECRET_SOURCE: Final = text(
    values.secret_source, pattern=SOURCE_PATTERN, longest=values.LONGEST_PATH
)
FLAG: Final = flag()
