"""The array engine: all PEs of an activity at once."""
