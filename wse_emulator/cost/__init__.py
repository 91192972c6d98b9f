"""Cost of one instruction on a PE: rates, sequences, SRAM banks."""
