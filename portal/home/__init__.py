"""Pages over several rooms: home, jobs, the gallery, and the demo."""
