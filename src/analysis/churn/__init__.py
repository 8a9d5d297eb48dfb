"""Who is leaving: labels, probabilities, their calibration."""
