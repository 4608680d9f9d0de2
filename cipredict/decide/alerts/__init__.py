"""Alerts: rules over what CI did, with a memory that keeps them from crying twice. Pure."""
