"""The next need: who buys within a horizon, and, if they do, between which days."""
