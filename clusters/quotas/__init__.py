"""What projects may use: limits, pools shared over clusters, use, refusals, requests for more."""
