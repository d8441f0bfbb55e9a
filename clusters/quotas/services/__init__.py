"""Writes of the room: plans, shares, requests for more."""
