"""Parse and segment every mail of a corpus; one JSON line each, in the shape that score.py reads.

usage: python bench/segments.py CORPUS_DIR > out.jsonl      (prints mails per second to stderr)
"""

import json
import sys
import time
from pathlib import Path

from mailer.parse import parse
from mailer.segment import segment


def main() -> None:
    """Read the manifest, answer for each file."""
    corpus = Path(sys.argv[1])
    if not (corpus / "manifest.jsonl").exists():
        print(f"skipped: no corpus at {corpus}", file=sys.stderr)
        return
    cases = [json.loads(line) for line in (corpus / "manifest.jsonl").read_text("utf-8").splitlines()]
    spent = slowest = 0.0
    worst = ""
    for case in cases:
        raw = (corpus / case["file"]).read_bytes()
        began = time.perf_counter()
        message = parse(raw)
        segments = segment(message)
        took = time.perf_counter() - began
        spent += took
        if took > slowest:
            slowest, worst = took, case["file"]
        answer = {
            "file": case["file"],
            "kind": "reply",
            "subject": message.subject,
            "segments": [{"kind": s.kind, "text": s.text, "by": s.by} for s in segments],
            "attachments": [{"name": a.name, "type": a.type} for a in message.attachments],
            "warnings": message.warnings,
        }
        print(json.dumps(answer, ensure_ascii=True))
    print(f"{len(cases)} mails, {len(cases) / spent:.0f}/s, slowest {slowest:.3f} s {worst}", file=sys.stderr)


main()
