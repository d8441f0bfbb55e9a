"""What the demo is made of, as data: clusters, machines, namespaces, applications, people and prices."""
