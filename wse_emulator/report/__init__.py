"""The report folder: a page, its tables, a trace for Perfetto."""
