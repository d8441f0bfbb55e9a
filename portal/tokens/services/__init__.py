"""Writes of the room: tokens, robots, and the mail before a token ends."""
