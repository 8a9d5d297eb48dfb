"""Named tables and models; the only place where sibling rooms meet in code."""
