"""Arrays in, numbers out: intervals, agreement, scoring."""
