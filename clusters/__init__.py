"""The estate: which clusters there are, what is in them, whose it is."""
