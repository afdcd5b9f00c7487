"""The documents say what the code does: every count that can rot is compared with its source."""

import importlib
import json
import pkgutil
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.main import get_command

import flows
from app.cli.main import cli
from app.config import Config
from db import states
from flows import failpoint
from tools import commands, tables

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])
ROOMS = ("app", "db", "desk", "digests", "flows", "mailer")
COMMANDS = dict(commands.commands(get_command(cli)))
README = (ROOT / "README.md").read_text("utf-8")


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


# What is generated


def test_the_page_of_commands_is_fresh():
    assert (DOCS / "commands.md").read_text("utf-8") == commands.text(), "run make docs"


def test_every_command_and_option_has_words():
    silent = [name for name, command in COMMANDS.items() if not (command.help or "").strip()]
    assert silent == []
    page = (DOCS / "commands.md").read_text("utf-8")
    for name, command in COMMANDS.items():
        assert f"## {name}\n" in page
        for option in (one for param in command.params if param.name != "help" for one in param.opts):
            assert f"`{option}`" in page or not option.startswith("-"), (name, option)


@pytest.mark.parametrize("page", ["vocabulary.md", "standards.md"])
def test_tables_are_fresh(page):
    assert tables.pages()[DOCS / page] == (DOCS / page).read_text("utf-8"), "run make docs"


def test_every_section_of_an_rfc_resolves():
    page = (DOCS / "standards.md").read_text("utf-8")
    rows = {match["name"]: match["words"].strip() for match in tables.ROW.finditer(page)}
    for name, where in tables.references().items():
        assert rows.get(name), f"{name} ({', '.join(sorted(where))}) has no words in docs/standards.md"


def test_every_rule_of_standards_is_decided_by_a_test():
    page = (DOCS / "standards.md").read_text("utf-8").partition("## What must hold")[2]
    rows = re.findall(r"^\| ([A-Z]{2}\d\d) \|(.*)\|$", page, re.MULTILINE)
    assert len(rows) > 40
    assert len({name for name, _ in rows}) == len(rows)
    for name, row in rows:
        tests = re.findall(r"`([\w/]+\.py)::(test_\w+)`", row)
        assert tests, f"{name} has no test"
        for file, test in tests:
            assert f"def {test}(" in (ROOT / "tests" / file).read_text("utf-8"), f"{name}: {file}::{test}"


def test_references_are_found_in_all_their_forms(tmp_path):
    file = tmp_path / "some.py"
    file.write_text(
        '"""As RFC 5321 section 4.5.1 asks; (RFC 2045, 2046, 2231; X), RFC 6068 sections 2 and 5.\n'
        "# RFC 9989\n# section 4.10.\n" + '"""'
    )
    assert set(tables.references([file])) == {
        "RFC 5321 section 4.5.1",
        "RFC 2045",
        "RFC 2046",
        "RFC 2231",
        "RFC 6068 section 2",
        "RFC 6068 section 5",
        "RFC 9989 section 4.10",
    }


# What is written by hand


def test_every_state_is_explained():
    page = (DOCS / "vocabulary.md").read_text("utf-8")
    for name, machine in tables.machines().items():
        said = tables.meanings(machine)
        section = page.partition(f"### {name}\n")[2].partition("\n### ")[0]
        for state in machine:
            assert said.get(state.value), f"{machine.__name__}.{state.name} has no comment"
            assert f"| {state.value} | {said[state.value]} |" in section


def test_every_machine_of_states_has_moves():
    machines = {one for one in vars(states).values() if isinstance(one, type) and one.__name__.endswith("State")}
    assert machines == set(tables.machines().values())


def settings(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        kinds = (field.annotation, *typing.get_args(field.annotation))
        parts = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if parts:
            yield from settings(parts[0], f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    plain: Any = value.get_secret_value() if hasattr(value, "get_secret_value") else value
    return f"`{json.dumps(plain, default=str)}`"


def test_every_setting_is_explained_with_its_default():
    page = (DOCS / "operate" / "configure.md").read_text("utf-8")
    written = dict(re.findall(r"^\| `([a-z_.]+)` \| (required|`.*?`) \| \S.* \|$", page, re.MULTILINE))
    assert written == {name: default(field) for name, field in settings(Config)}


def test_every_kind_of_mail_is_explained():
    page = (DOCS / "mails.md").read_text("utf-8")
    kinds = {path.name for path in (ROOT / "templates" / "mail").iterdir() if path.is_dir()}
    assert set(re.findall(r"^\| `(\w+)` \| \S", page, re.MULTILINE)) == kinds


def test_every_failpoint_is_explained():
    for module in pkgutil.iter_modules(flows.__path__):
        importlib.import_module(f"flows.{module.name}")
    page = (DOCS / "vocabulary.md").read_text("utf-8").partition("## Failpoints")[2]
    written = set(re.findall(r"^\| `([a-z_.-]+)` \| \S", page, re.MULTILINE))
    # Other tests of this run may have declared points of their own.
    assert written == {name for name in failpoint.ALL if not name.startswith("test")}


def test_every_rule_that_the_code_names_is_explained():
    text = "".join(file.read_text("utf-8") for room in ROOMS for file in (ROOT / room).rglob("*.py"))
    # A rule stands in brackets or behind the word "model" or "rule"; elsewhere a letter and a number are something else.
    places = re.findall(r"\(([^()]*)\)|\b(?:model|rule)s?\s+([^.:\n]*)", text)
    named = {code for pair in places for part in pair for code in re.findall(r"\b(?:[NTLKA]|MF|EA|FI)\d{1,2}\b", part)}
    named |= {code for pair in places for part in pair for code in re.findall(r"(?<![\w/])[SE]\d\b(?![.\w])", part)}
    assert {"N5", "K1", "S5", "E1", "T6", "L3", "A1", "MF16"} <= named
    written = set(re.findall(r"\*\*([A-Z]\d+)\*\*", (DOCS / "rules.md").read_text("utf-8")))
    written |= set(re.findall(r"^\| ([A-Z]{2}\d\d) \|", (DOCS / "standards.md").read_text("utf-8"), re.MULTILINE))
    assert named - written == set()


def test_every_language_of_the_service_is_counted():
    from mailer import words

    assert f"{len(words.LANGUAGES)} languages" in (DOCS / "how-it-works.md").read_text("utf-8")


# What pages lead to


def anchors(page: Path) -> set[str]:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_resolve(page):
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{named(page)}: {target}"
        if anchor:
            assert anchor in anchors(file), f"{named(page)}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_files_that_are_named_exist(page):
    for name in re.findall(r"`((?:app|db|desk|digests|flows|mailer|templates|tests|tools|samples|deploy|docs)/[\w./*-]*)`",
                           page.read_text("utf-8")):  # fmt: skip
        path, _, function = name.partition(".py")[0], "", ""
        del function
        if "*" in name:
            assert list(ROOT.glob(name)), f"{named(page)}: {name}"
        elif name.isupper() or any(part.isupper() for part in re.split(r"[/._-]", name) if len(part) > 1):
            continue  # a placeholder such as db/NOUN.py
        else:
            dotted = ROOT / f"{name.rpartition('.')[0]}.py"  # `flows/inbound.store` is a function of a module
            assert (ROOT / name).exists() or dotted.exists() or (ROOT / f"{path}.py").exists(), f"{named(page)}: {name}"


def shell(page: Path) -> Iterator[str]:
    """The lines of a page's shell blocks, continued ones joined, comments off."""
    for block in re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
        for line in block.replace("\\\n", " ").split("\n"):
            yield re.sub(r"(^|\s)#.*$", "", line).strip()


def spoken(page: Path) -> Iterator[str]:
    """Commands in the running text."""
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    yield from re.findall(r"`((?:\.venv/bin/)?(?:tidings|make) [^`]+)`", text)


def calls(page: Path) -> Iterator[str]:
    for line in [*shell(page), *spoken(page)]:
        yield from (part.strip() for part in re.split(r"&&|\|\||;|(?<!\w)\|", line))


def known_command(words: list[str]) -> Any:
    """The command that a call names, and fails for one that there is none of."""
    name, rest = "tidings", words
    while rest and hasattr(COMMANDS[name], "commands"):
        word, rest = rest[0], rest[1:]
        if word in ("--json", "--help", "-h"):
            continue
        if word in ("--config", "-c", "--process", "-p", "--as"):
            rest = rest[1:]
            continue
        name = f"{name} {word}"
        assert name in COMMANDS, f"there is no {name}"
    return COMMANDS[name], rest


@pytest.mark.parametrize("page", [p for p in PAGES if p.parent.name != "decisions"], ids=named)
def test_commands_in_the_text_exist(page):
    targets = set(re.findall(r"^([a-z.]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for call in calls(page):
        found = re.search(
            r"(?:^|[\s/])(tidings|make)(?= )(?! tidings\b| /)(.*)$", call
        )  # no user or folder of that name
        if found is None or "tidings dkim init" in call or "COMMAND" in call:
            continue  # the first is named as what is not there
        words = found[2].split()
        if found[1] == "make":
            assert all(word in targets for word in words if "=" not in word), f"{named(page)}: {call}"
        elif found.start(1) == 0 or call[found.start(1) - 1] == "/" or "sudo" in call:
            command, rest = known_command(words)
            options = {one for param in command.params for one in [*param.opts, *param.secondary_opts]} | {"--help"}
            for word in rest:
                if word.startswith("--"):
                    assert word.partition("=")[0] in options, f"{named(page)}: {call}: {word}"


def test_the_map_in_the_readme_is_complete():
    block = README.partition("```text\n")[2].partition("```")[0]
    listed = set(re.findall(r"^ *([\w.-]+)/ ", block, re.MULTILINE))
    folders = {
        path.name
        for path in ROOT.iterdir()
        if path.is_dir() and not path.name.startswith(".") and any(f.suffix != ".pyc" for f in path.rglob("*.*"))
    }
    assert folders - {"play", "dist", "build", "soak"} <= listed
    assert all((ROOT / name).is_dir() or (ROOT / "mailer" / name).is_dir() for name in listed)


def test_the_package_says_where_its_documents_are():
    assert "docs/how-it-works.md" in README
    assert (ROOT / "LICENSE").read_text("utf-8").startswith("MIT License")
