"""Dialogues in any common format, read turn by turn; :mod:`folder` finds out which format it is."""
