"""Training: snapshots of the past, models, their evaluation, and the bundle that serves.

Reading order, which is also the direction of imports:
metrics, purchase_process, data, export, models, evaluation, uplift, train, backtest, run_backtest.
"""
