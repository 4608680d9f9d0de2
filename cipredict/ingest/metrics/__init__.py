"""Numbers for gates: coverage, findings of scanners and linters, load tests, test results, and any JSON or CSV.

`reading.py` chooses the reader of a file, `collecting.py` adds up what the files say.
"""
