"""For tools that call it; all is in pyproject.toml."""

from setuptools import setup

setup()
