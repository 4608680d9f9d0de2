"""Stages as real processes: in dependency order, within limits, resumable, and with nothing left running afterwards."""
