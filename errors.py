"""The one exception that a user's mistake raises."""

from __future__ import annotations


class InputError(ValueError):
    """Bad input from a user: one sentence that says what, where and what to do.

    The command line prints it and ends with exit status 2; no traceback unless `--debug`.
    """
