"""People and groups as providers tell them, kept as rows: at a sign-in and by the refresh.

`arrivals` takes a person in, `refresh` reads whole lists, `catalogue` and `memberships` write differences alone,
`admission` says who may sign in, `freezing` enables, disables and deletes providers, `patterns` makes proposals.
"""
