"""Who may do what, and why: from a person to a thing and back, and looking at the portal as somebody else.

No tables: what is explained is what the gate reads (`portal.accounts.models.rights`).
"""
