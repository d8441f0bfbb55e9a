"""Where people come from: what the environment declares of each provider, and what its door answers."""
