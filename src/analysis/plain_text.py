"""Text as it is seen: what cannot be seen, yet changes how the rest is read, is made visible.

A name in the data may hold a sign that turns the reading direction round, so that what follows it, an amount of
ours too, is shown backwards; a control character ends a terminal's line or a picture's file.
"""

import re
from typing import Final

__all__ = ["for_terminal", "visible", "without_unseen"]

REPLACEMENT: Final = "\ufffd"
_CONTROLS: Final = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_DIRECTIONS: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_NO_CHARACTERS: Final = "\ud800-\udfff\ufffe\uffff"
_HIDDEN: Final = re.compile(f"[{_CONTROLS}{_DIRECTIONS}{_NO_CHARACTERS}]")
_UNSEEN: Final = re.compile(
    rf"[\s{_CONTROLS}{_DIRECTIONS}{_NO_CHARACTERS}\u00ad\u180e\u200b-\u200d\u2060-\u2064\ufeff\ufe00-\ufe0f]+"
)


def visible(text: str) -> str:
    r"""Return a text with controls, signs of reading direction and half characters replaced by U+FFFD.

    Line breaks and tabs stay.

    Examples:
        >>> visible("10%\u202e!"), visible("a\x00b\nc"), visible("澄序")
        ('10%�!', 'a�b\nc', '澄序')
    """
    return _HIDDEN.sub(REPLACEMENT, text)


def for_terminal(text: str) -> str:
    r"""Return a text that moves no cursor, rings no bell and names no window; line breaks stay.

    Examples:
        >>> for_terminal("\x1b]0;title\x07 and\rmore")
        '�]0;title� and�more'
    """
    return visible(text).replace("\r", REPLACEMENT)


def without_unseen(text: str) -> str:
    r"""Return a text without blanks and unseen signs at its beginning: what a program may take it to begin with.

    Examples:
        >>> without_unseen(" \u200b=1+1 ")
        '=1+1 '
    """
    found = _UNSEEN.match(text)
    return text[found.end() :] if found else text
