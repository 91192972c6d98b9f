"""The cost of one instruction on a PE, by its rate, its sequence and its SRAM banks."""
