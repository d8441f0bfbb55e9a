"""How somebody signs in: ways, second factors, links between a person and their accounts, and trials of it."""
