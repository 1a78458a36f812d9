"""The one exception that users are meant to read."""


class InputError(Exception):
    """Bad input or usage: the command line prints the message as one line and exits with code 2.

    Parameters
    ----------
    message : str
        What is wrong, where, with which value, and how to mend it. Never the text of a post.
    """
