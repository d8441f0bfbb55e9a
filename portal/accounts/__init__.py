"""Users, their role bindings, and signing in. Outside groups, tokens and other providers come with their issue."""
