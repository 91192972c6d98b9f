"""Questions about results that are there already, in memory or in a folder."""
