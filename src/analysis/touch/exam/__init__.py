"""The exam: what studies found, asked of the simulator at one calibration; one file per theme."""
