"""The command line: the only room that knows click and rich."""

from generator.cli.main import main

__all__ = ["main"]
