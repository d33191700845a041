"""Keeps Halo issues and Jira tickets in step."""

__version__ = "0.1.0"
