"""The kinds Paddock reads, each as a small struct of the fields it needs and a row of plain values.

`metadata.py` decides whether an object changed; `table.KINDS` lists the kinds; one module per kind holds its
structs, its row and `extract(item) -> row`. Decoders are built once, at import.

Every field has a default and accepts null, because servers write null for an empty list and leave out what is
empty. `spec` and `status` stay raw slices until a changed object is extracted. What is not named here
(managedFields, the last-applied annotation) costs only its scan.
"""
