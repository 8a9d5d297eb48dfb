"""Buy-till-you-die models, one file per published model, all with one interface."""
