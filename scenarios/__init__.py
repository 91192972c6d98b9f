"""Runnable questions: each module here is a script, and ``wse scenario NAME`` runs it too."""
