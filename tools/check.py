"""What no other tool checks: addresses in tracked files, documents against the code, catalogues, function sizes.

Prints one line a fault and exits 1 when there is any. Run by `make check`.
"""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONGEST_FUNCTION = 60  # lines; what is longer wants a reason in ALLOWED_LONG
ALLOWED_LONG: frozenset[str] = frozenset()
LONGEST_MODULE = 500
PACKAGE_DATA = ("app", "db", "desk", "digests", "flows", "mailer", "samples", "templates")


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


def long_modules(files: list[Path]) -> list[str]:
    """Modules stay short enough to know."""
    faults = []
    for file in files:
        name = str(file.relative_to(ROOT))
        if file.suffix == ".py" and not name.startswith(("tests/", "bench/", "db/migrations/")):
            lines = len(file.read_text().splitlines())
            if lines > LONGEST_MODULE:
                faults.append(f"{name}: {lines} lines")
    return faults


def leftovers(files: list[Path]) -> list[str]:
    """Nothing is left for later, and nothing knows where somebody's checkout lies."""
    # Written apart, so that this file does not find itself.
    marks = re.compile("|".join((r"\bTO" + r"DO\b", r"\bFIX" + r"ME\b", "<<<<" + "<<<", "/ro" + "ot/", "/wo" + "rk/")))
    faults = []
    for file in files:
        if file.suffix not in (".py", ".md", ".toml", ".html", ".txt", ".yaml", ".yml", ".service", ""):
            continue
        if file.is_relative_to(ROOT / "tests" / "mail"):
            continue
        for number, line in enumerate(file.read_text("utf-8", "replace").splitlines(), 1):
            if found := marks.search(line):
                faults.append(f"{file.relative_to(ROOT)}:{number}: {found[0]}")
    return faults


def pairs(files: list[Path]) -> list[str]:
    """Each mail of the corpus has what is wanted of it beside it, and the reverse."""
    mails = {str(file)[: -len(".eml")] for file in files if file.parent.name == "mail" and file.suffix == ".eml"}
    wants = {str(file)[: -len(".want.json")] for file in files if str(file).endswith(".want.json")}
    return [f"{Path(one).name}: a mail without .want.json, or the reverse" for one in sorted(mails ^ wants)]


def locked() -> list[str]:
    """Each dependency stands in the lock file, with a hash."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["postgres"]]
    faults = []
    for lock, names in (
        ("requirements.lock", needed),
        ("requirements-dev.lock", [*needed, *project["dependency-groups"]["dev"]]),
    ):
        text = (ROOT / lock).read_text()
        have = {_canonical(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)}
        for name in names:
            bare = _canonical(re.split(r"[\[<>=~! ;]", name)[0])
            if bare not in have:
                faults.append(f"{lock}: {bare} is not in it (run make lock)")
    return faults


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def packaged(files: list[Path]) -> list[str]:
    """Whatever lies at the root and holds code is in the wheel, or is one of the rooms that are not."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    roots = {file.relative_to(ROOT).parts[0] for file in files if file.suffix == ".py"}
    outside = roots - wheel - {"tests", "bench", "tools"}
    return [f"{name}: not in the wheel" for name in sorted(outside | (set(PACKAGE_DATA) - wheel))]


def generated() -> list[str]:
    """Pages and catalogues that a tool writes are as it would write them now."""
    faults = []
    for tool in ("catalogues.py", "commands.py", "tables.py"):
        done = subprocess.run(
            [sys.executable, str(ROOT / "tools" / tool), "--check"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
            stale = [line for line in said if line.startswith("stale")]
            faults += stale or [f"tools/{tool} --check: {line}" for line in said[-15:]]
    return faults


def main() -> int:
    files = tracked()
    faults = [
        *addresses(files),
        *links(files),
        *long_functions(files),
        *long_modules(files),
        *leftovers(files),
        *pairs(files),
        *locked(),
        *packaged(files),
        *generated(),
    ]
    for fault in faults:
        print(fault)
    print(f"checked {len(files)} files: {len(faults)} faults")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
