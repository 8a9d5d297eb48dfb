"""A book: read from YAML and checked against strict models, with the notebooks that belong to it."""
