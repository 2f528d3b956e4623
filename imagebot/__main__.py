"""`python -m imagebot`."""

from imagebot.cli.main import entry_point

entry_point()
