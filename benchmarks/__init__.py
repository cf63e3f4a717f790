"""Every performance bar, printed beside its reference: `make bench`."""
