"""Domain-free bricks. Imports nothing else of Paddock and owns no tables."""
