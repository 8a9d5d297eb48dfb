"""A run: whole or invisible, recognised when repeated."""
