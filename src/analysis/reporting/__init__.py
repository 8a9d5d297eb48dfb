"""Notebooks run by path, pages rendered from what they left."""
