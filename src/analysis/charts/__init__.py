"""A finished table in, a matplotlib figure out."""
