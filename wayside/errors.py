"""What all errors that a user can mend have in common."""


class WaysideError(ValueError):
    """Something outside the program is wrong: a file, a setting, a disk. The text says how to mend it.

    The command line prints the text alone; every other exception is a fault of Wayside and keeps its traceback.
    """
