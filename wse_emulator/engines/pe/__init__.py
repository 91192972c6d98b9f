"""The PE engine: one SimPy process a PE."""
