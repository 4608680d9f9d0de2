"""Run as `python -m cipredict`."""

from cipredict.cli.app import main

raise SystemExit(main())
