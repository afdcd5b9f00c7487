"""format=flowed undone (RFC 3676): lines that end in a space are one paragraph with the next. Linear."""


def unflow(text: str, delsp: bool = False) -> str:
    """Fixed paragraphs from flowed text. Quote marks stay, with one space after them.

    The signature line "-- " never flows; with `delsp` the space that marks a soft break is dropped.
    """
    out: list[str] = []
    paragraph: list[str] = []
    depth_now = 0
    for line in text.split("\n"):
        body = line.lstrip(">")
        depth = len(line) - len(body)
        if body.startswith(" "):
            body = body[1:]
        is_signature = body == "-- "
        if paragraph and (depth != depth_now or is_signature):
            out.append(_join(paragraph, depth_now))
            paragraph = []
        depth_now = depth
        if body.endswith(" ") and not is_signature:
            paragraph.append(body[:-1] if delsp else body)
            continue
        paragraph.append(body)
        out.append(_join(paragraph, depth))
        paragraph = []
    if paragraph:
        out.append(_join(paragraph, depth_now))
    return "\n".join(out)


def _join(pieces: list[str], depth: int) -> str:
    text = "".join(pieces)
    if not depth:
        return text
    return f"{'>' * depth} {text}" if text else ">" * depth
