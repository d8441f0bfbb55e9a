"""What one simulated cluster answers: kinds, discovery, lists, watches, access reviews and error bodies."""
