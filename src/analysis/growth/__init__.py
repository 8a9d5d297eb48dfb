"""Where revenue comes from: funnel, cohorts, unit economics."""
