"""Did it work: design, readout, uplift, learning."""
