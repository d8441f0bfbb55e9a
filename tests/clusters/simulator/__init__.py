"""The simulator as its users meet it: over the wire, as a process."""
