"""Which clusters there are: proposing, checking, attaching and detaching them, and their sealed credentials."""
