"""What no other tool checks: addresses in tracked files, documents against the code, catalogues, function sizes.

Prints one line a fault and exits 1 when there is any. Run by `make check`.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONGEST_FUNCTION = 60  # lines; what is longer wants a reason in ALLOWED_LONG
ALLOWED_LONG: frozenset[str] = frozenset()


def tracked() -> list[Path]:
    """Every file that git tracks or would track."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def addresses(files: list[Path]) -> list[str]:
    """Lock files and settings name no registry and no local path."""
    # Written apart, so that this file does not find itself.
    registries = re.compile(
        "|".join(
            (
                "pypi" + r"\.org",
                "pythonhosted" + r"\.org",
                "registry" + r"\.npmjs",
                "--index" + "-url",
                "--find" + "-links",
                "file" + ":///",
            )
        )
    )
    faults = []
    for file in files:
        try:
            text = file.read_text()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if registries.search(line):
                faults.append(f"{file.relative_to(ROOT)}:{number}: names a package registry or a local path")
            if file.suffix == ".lock" and re.search(r"https?://", line):
                faults.append(f"{file.relative_to(ROOT)}:{number}: a lock file holds an address")
    return faults


def links(files: list[Path]) -> list[str]:
    """Every relative link in a document leads to a file."""
    faults = []
    for file in files:
        if file.suffix != ".md":
            continue
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", file.read_text()):
            if "://" not in target and not target.startswith("mailto:") and not (file.parent / target).exists():
                faults.append(f"{file.relative_to(ROOT)}: link to {target}, which is not there")
    return faults


def long_functions(files: list[Path]) -> list[str]:
    """Functions stay short enough to read at a glance."""
    faults = []
    for file in files:
        name = str(file.relative_to(ROOT))
        if file.suffix != ".py" or name.startswith(("tests/", "bench/", "db/migrations/")):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION and f"{name}:{node.name}" not in ALLOWED_LONG:
                    faults.append(f"{name}:{node.lineno}: {node.name} has {lines} lines")
    return faults


def main() -> int:
    files = tracked()
    faults = addresses(files) + links(files) + long_functions(files)
    for fault in faults:
        print(fault)
    print(f"checked {len(files)} files: {len(faults)} faults")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
