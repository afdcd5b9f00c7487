"""What is refused in the data of a mail, whoever sends it. Pure, and fast: most checks are one search in C."""

from mailer.wire.ports import ListenerSettings


def judge(data: bytes, limits: ListenerSettings) -> bytes | tuple[str, bytes]:
    """The data with dots unstuffed, or counter and words of a refusal. `data` begins with a CR LF of its own."""
    if len(data) - 2 > limits.size_limit:
        return "refused_size", b"552 5.3.4 the mail is too big"
    if bare_line_end(data):
        return "refused_bare_line_end", b"554 5.5.2 bare CR or LF in the data (RFC 5321 section 2.3.8)"
    if longer_than(data, limits.line_limit):
        return "refused_line_length", b"554 5.6.0 a line of the data is too long"
    if b"\r\n." in data:
        data = data.replace(b"\r\n.", b"\r\n")
    data = data[2:]
    if loops(data, limits.received_limit, limits.loop_marks):
        return "refused_loop", b"554 5.4.6 this mail goes round in a loop"
    return data


def bare_line_end(data: bytes) -> bool:
    """Whether a CR or LF stands alone (RFC 5321 section 2.3.8)."""
    ends = data.translate(None, _NO_LINE_END)
    return ends != b"\r\n" * (len(ends) // 2)


_NO_LINE_END = bytes(set(range(256)) - set(b"\r\n"))


def longer_than(data: bytes, limit: int) -> bool:
    """Whether a line (its CR LF apart) exceeds the limit. Looks at few octets: it hops from line to line."""
    position, size = 0, len(data)
    while size - position > limit:
        end = data.rfind(b"\n", position, position + limit + 2)
        if end < 0:
            return True
        position = end + 1
    return False


def loops(data: bytes, limit: int, marks: tuple[str, ...]) -> bool:
    """Whether the header has more than `limit` Received lines or a line that only our own mail has."""
    end = data.find(b"\r\n\r\n")
    head = data if end < 0 else data[:end]
    if len(head) > limit * len(b"received:\r\n"):
        lines = b"\n" + head.lower()
        if lines.count(b"\nreceived:") > limit:
            return True
    return any(b"\n" + mark.lower().encode() + b"\r" in b"\n" + head.lower() + b"\r" for mark in marks)
