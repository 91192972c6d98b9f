"""Results as words and tables on a terminal, a file for each command."""
