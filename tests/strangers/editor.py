"""A person at the editor: `editor.py ANSWER.json FILE` types the answer above, between and below the quoted lines."""

import json
import sys
from pathlib import Path


def typed(text: str, top: str, below: dict[str, str], bottom: str) -> str:
    """`text` with the answers typed in; KeyError for a marker that no quoted line holds."""
    lines: list[str] = []
    left = dict(below)
    for line in text.split("\n"):
        lines.append(line)
        for marker in [m for m in left if line[:1] in (">", "\t") and m in line]:
            lines += ["", *left.pop(marker).split("\n"), ""]
    if left:
        raise KeyError(f"not in the quote: {sorted(left)}; the text was\n{text}")
    found = "\n".join(lines)
    if top:
        found = f"{top}\n\n{found.lstrip()}"
    return f"{found.rstrip()}\n\n{bottom}\n" if bottom else found


if __name__ == "__main__":
    answer = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    file = Path(sys.argv[2])
    file.write_text(typed(file.read_text("utf-8"), **answer), "utf-8")
