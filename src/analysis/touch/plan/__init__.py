"""From what could be sent to what is sent: schedules per customer chosen under budget, staff time and rules."""
