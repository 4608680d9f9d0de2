"""Run as `python -m cipredict`."""

from cipredict.cli.app import console

console()
