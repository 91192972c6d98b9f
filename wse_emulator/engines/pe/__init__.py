"""The PE engine: one SimPy process for each PE."""
