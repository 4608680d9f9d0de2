#!/bin/sh
# The main job, end to end, on the bundled real history. `make demo` runs it.
set -eu
rm -rf demo && mkdir demo
export CIPREDICT_STORE=demo/history.duckdb CIPREDICT_FORECAST=demo/forecast.bundle
run() { printf '\n\033[1m$ %s\033[0m\n' "$*" >&2; "$@"; }

run cipredict ingest history data/sqlparse-ci
run cipredict backtest --plot demo/caught.png
run cipredict train --registry demo
run cipredict select-tests --known --changed sqlparse/keywords.py --target 20% --output demo/selection.json > demo/selected.txt
run cipredict shard --shards 3 --output demo/shards.json < demo/selected.txt > /dev/null
run cipredict report summary
printf '\nThe plans: demo/selection.json, demo/shards.json. The curve: demo/caught.png\n' >&2
