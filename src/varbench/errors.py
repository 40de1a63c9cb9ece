"""The one exception that a user's input can cause; every other exception is a bug."""


class InputError(ValueError):
    """Something given from outside cannot be used.

    The message is one line: it names the file, the configuration key or the row, says what is
    wrong with it and what to do. Scripts print it without a traceback.
    """
