"""Scores of responses and of recognised emotions, with what they are compared with; no command line here."""
