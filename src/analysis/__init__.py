"""siyu: a notebook and report workbench for private-domain customer operations."""
