"""Tokens of the API, and the robots that have nothing else."""
