"""Files of class names, whoever wrote them: one name a line, in the order of the scores."""

import codecs
import re
import reprlib
from collections import Counter
from collections.abc import Iterator, Sequence

_BYTE_ORDER_MARK = "\ufeff"
# What would end a line or a text elsewhere.
_BREAKS = "[\0\v\f\x1c-\x1e\x85\u2028\u2029]"


def read_labels(content: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    r"""The class names of a label file, fit for a table of scores, and what was odd about them.

    There is a name for every line but blank ones at the end. White space around a name is left
    out, a blank line gets the name of its place, and a name that stands again gets a number.

    Args:
        content: The file's bytes: UTF-8, UTF-16, or Windows-1252, a superset of Latin-1.

    Returns:
        The names, distinct and of one line each; and remarks, the one about repeats first.

    Example:

    >>> labels, remarks = read_labels(b"speech \r\n???\r\n???\r\n\r\n")
    >>> labels
    ('speech', '???', '??? (2)')
    >>> for remark in remarks:
    ...     print(remark)
    the label '???' stands twice; repeats are numbered here
    its lines end with CR LF
    white space around or inside 1 label, left out here
    1 blank line at the end, left out here
    """
    text, remarks = _decoded(content)
    lines = re.split("\r\n|\r|\n", text)
    if not lines[-1]:
        # There is no line after the last one's end.
        lines.pop()
    if "\r\n" in text:
        remarks.append("its lines end with CR LF")
    names = [stripped(" ".join(re.split(_BREAKS, line))) for line in lines]
    around = sum(bool(n) and n != line for n, line in zip(names, lines, strict=True))
    if around:
        remarks.append(f"white space around or inside {_counted(around, 'label')}, left out here")
    while names and not names[-1]:
        names.pop()
    if len(names) < len(lines):
        blank = _counted(len(lines) - len(names), "blank line")
        remarks.append(f"{blank} at the end, left out here")
    blank = names.count("")
    if blank:
        remarks.append(f"{_counted(blank, 'blank line')} between labels, called 'class ...' here")
    names = [name or f"class {place}" for place, name in enumerate(names)]
    return tuple(_distinct(names)), (*_repeats(names), *remarks)


def stripped(label: str) -> str:
    """The label without white space and byte order marks around it."""
    return label.strip().strip(_BYTE_ORDER_MARK).strip()


def _decoded(content: bytes) -> tuple[str, list[str]]:
    """The text, and what is odd about the encoding."""
    remarks = []
    bare = content.removeprefix(codecs.BOM_UTF8)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = name = "UTF-16"
    elif content.count(0) > len(content) // 4:
        # Most letters' other byte is zero.
        encoding = name = "UTF-16-BE" if content[0] == 0 else "UTF-16-LE"
    else:
        if bare != content:
            remarks.append("it begins with a byte order mark")
        try:
            return bare.decode(), remarks
        except UnicodeDecodeError:
            content, encoding, name = bare, "cp1252", "Latin-1"
    return content.decode(encoding, "replace"), [*remarks, f"it is not UTF-8; read as {name}"]


def _repeats(names: Sequence[str]) -> Iterator[str]:
    counts = {name: count for name, count in Counter(names).items() if count > 1}
    if counts:
        name = max(counts, key=counts.__getitem__)
        times = "twice" if counts[name] == 2 else f"{counts[name]} times"
        more = f", and {len(counts) - 1} more repeatedly" if len(counts) > 1 else ""
        yield f"the label {reprlib.repr(name)} stands {times}{more}; repeats are numbered here"


def _distinct(names: Sequence[str]) -> Iterator[str]:
    """The names, the repeats with a number that makes them new."""
    taken, times = set(names), Counter()
    for name in names:
        times[name] += 1
        if times[name] == 1:
            yield name
            continue
        while (numbered := f"{name} ({times[name]})") in taken:
            times[name] += 1
        taken.add(numbered)
        yield numbered


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
