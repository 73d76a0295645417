"""Everything a ServiceNow instance needs to send its mail with SMTP OAuth 2.0.

The command line is `sn-smtp`; `generator.cli` is its only room. The rooms and the one
direction in which data flows through them are drawn in `docs/architecture.md`.
"""

__version__ = "0.1.0"
