"""What happened: append-only events, written in the transaction of the change they tell of."""
