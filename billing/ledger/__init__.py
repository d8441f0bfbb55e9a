"""What each hour cost and whose it was: asset hours, cost hours, rollups, runs, and the rules behind them."""
