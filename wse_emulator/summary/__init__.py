"""The result of a step, derived from the stages of its emulation."""
