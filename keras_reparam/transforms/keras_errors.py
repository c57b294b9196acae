"""What an error of Keras says where it began."""

import re

# Each of Keras's functions on the way puts its own text and a whole config before the cause.
_WRAPPINGS = re.compile(
    r"Error when deserializing class '(?P<of>\w+)'.*?Exception encountered: "
    r"|<class '[\w.<>]*?(?P<at>\w+)'> could not be deserialized.*?Exception encountered: "
    r"|Exception encountered when calling (?P<call>[\w.]+?)(?:\.call)?\(\)\.\s*"
    r"|shape / dtype of (?P<layer>'[^']*' \(of type \w+\)).*?Error encountered:\s*",
    re.DOTALL,
)
_REST = re.compile(r"Full object config:|Arguments received by |\n", re.DOTALL)
_COLORS = re.compile(r"\x1b\[\d*m")


def innermost_message(error: BaseException) -> str:
    """One line: the message of the innermost cause, with the class or layer that it is about.

    Example:

    >>> inner = "__init__() missing 1 argument: 'width'"
    >>> outer = "Error when deserializing class 'Block' using config={}. Exception encountered: "
    >>> innermost_message(TypeError(outer + inner))
    "Block: __init__() missing 1 argument: 'width'"
    """
    text = _COLORS.sub("", str(error)).strip()
    where = ""
    for found in _WRAPPINGS.finditer(text):
        assert found.lastgroup is not None  # each alternative has a name
        where = found[found.lastgroup]
        message = text[found.end() :]
    if not where:
        message = text
    message = _REST.split(message.strip(), maxsplit=1)[0].strip() or type(error).__name__
    named = not where or where in message or message.startswith("Could not locate")
    return message if named else f"{where}: {message}"
