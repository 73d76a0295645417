"""Secrets: how one is recognised, so that it never enters a file or a message."""
