"""The one exception that a user's input can cause; every other exception is a bug."""

LONGEST = 2000  # characters of a message: an id of a megabyte need not fill the terminal


class InputError(ValueError):
    """Something given from outside cannot be used.

    The message is one line: it names the file, the configuration key or the row, says what is
    wrong with it and what to do. Scripts print it without a traceback. Line breaks and control
    characters, which names from outside may hold, are escaped, and the middle of a very long
    message is left out.
    """

    def __init__(self, message: str) -> None:
        if not message.isprintable():
            message = "".join(
                c if c.isprintable() else c.encode("unicode_escape").decode() for c in message
            )
        if len(message) > LONGEST:
            half = LONGEST // 2
            message = f"{message[:half]} ... {message[-half:]}"
        super().__init__(message)
