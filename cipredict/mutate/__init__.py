"""Faults as a programmer makes them, injected into Python source: text in, text out. Nothing here runs or writes."""
