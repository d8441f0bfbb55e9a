"""The frame: who you are, what happened, how it is wired."""
