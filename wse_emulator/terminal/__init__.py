"""Results as words and tables on a terminal, one file a command."""
