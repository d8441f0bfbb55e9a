"""Pages of the room: one's own tokens, everybody's, and robots."""
