"""Lint: rules about update set files, one module per family (`docs/rules.md`)."""
