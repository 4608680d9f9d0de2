"""The command line: `app` wires, `ci` holds the commands of CI jobs, `nightly` those that need the store."""
