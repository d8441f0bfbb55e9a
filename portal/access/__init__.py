"""Who may do what: permissions, roles and the gate. No tables; a user is known only by `scopes_for(permission)`."""
