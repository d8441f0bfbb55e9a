"""What is allowed and where it is broken: Gatekeeper templates, assignments, findings.

Begins with the policies issue.
"""
