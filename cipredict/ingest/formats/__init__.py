"""Decoders of the test report formats that are not JUnit XML; `cipredict.ingest.reports` chooses among them."""
