"""Lazy frames in, lazy frames out: one row per customer as of a day. The last room that speaks to an engine."""
