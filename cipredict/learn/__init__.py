"""History into a forecast: replay, members, ensemble, calibration, backtest, registry.

Alone imports the science stack.
"""
