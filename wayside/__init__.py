"""Wayside runs, supervises and proves an intelligent-connected-vehicle pilot city."""

__version__ = "0.1.0"
