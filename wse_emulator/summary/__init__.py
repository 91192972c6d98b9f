"""From the stages of an emulated step to what its result says."""
