"""What Paddock wants in clusters, and the loop that makes and keeps it true there; it knows no project."""
