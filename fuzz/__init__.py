"""Mutated octets against everything that reads from outside: `python -m fuzz`, see docs/guides/fuzzing.md."""
