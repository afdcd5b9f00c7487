"""Letters from templates: the only home of jinja2 in this room. Pure: sources and catalogues are passed in.

`Renderer.render` gives subject, text and HTML in one language, with places to splice personal
values. A template that fails raises TemplateFailed with its name and line; values that a template
names and nobody gave are failures too. Templates run in a sandbox: operators may edit them.
"""

import re
import traceback
from collections.abc import Callable, Mapping
from gettext import NullTranslations
from typing import Any
from urllib.parse import quote

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateError, TemplateNotFound, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from mailer import markdown, words
from mailer.clean import one_line
from mailer.compose import Field, Fragment, Piece, Rendered
from mailer.content import Block, Item, Precision, When
from mailer.flow import columns
from mailer.mask import EMAIL, LINK, PHONE, PLACE, SECRET

Load = Callable[[str], str | None]  # `digest/body.html` -> its source, or None

_NO_LANGUAGE = ("und", "zxx")  # a reference or a name is not in need of translation
_MARK = re.compile("\ufdd0(\\d+)\ufdd1")
_MOST_STRETCHES = 4096
_BLANKS = re.compile(r"\n{3,}")
_STANDS = "|".join(word[1:-1].replace("-", r"\\?-") for word in (EMAIL, PHONE, PLACE, LINK, SECRET))
_MASKED = re.compile(rf"(?P<before>\\?\[)(?P<word>{_STANDS})(?P<after>\\?\])")


class TemplateFailed(Exception):
    """A template could not be read or rendered. `template` is its name, `line` its line (0: unknown)."""

    def __init__(self, template: str, line: int, reason: str) -> None:
        super().__init__(f"{template}, line {line}: {reason}" if line else f"{template}: {reason}")
        self.template, self.line, self.reason = template, line, reason


class _Loader(BaseLoader):
    def __init__(self, load: Load) -> None:
        self.load_source = load

    def get_source(
        self,
        environment: Environment,  # noqa: ARG002  # the signature is jinja2's
        template: str,
    ) -> tuple[str, str, Callable[[], bool]]:
        source = self.load_source(template)
        if source is None:
            raise TemplateNotFound(template)
        return source, template, lambda: True


class Renderer:
    """Renders mail kinds in every language that has a catalogue; English needs none."""

    def __init__(self, load: Load, catalogues: Mapping[str, NullTranslations]) -> None:
        self._load = load
        self._catalogues = dict(catalogues)
        self._loader = _Loader(load)
        self._environments: dict[str, Environment] = {}
        self._said: dict[str, Callable[[str], str]] = {}
        self._stretches: dict[tuple[str, str, str, Item], tuple[str, list[Field]]] = {}

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages the service speaks here, English first."""
        return (words.SOURCE, *sorted(set(self._catalogues) - {words.SOURCE}))

    def render(self, kind: str, lang: str, context: Mapping[str, Any]) -> Rendered:
        """One letter. `kind` is a folder of templates, `lang` the first wish; a near or English catalogue serves."""
        spoken = words.pick([lang], self.languages)
        environment = self._environment(spoken)
        places: list[Field] = []
        subject = self.subject(kind, lang, context)
        shared = {**context, "subject": subject}
        text = self._run(environment, f"{kind}/body.txt", shared, places, "text")
        page = self._run(environment, f"{kind}/body.html", shared, places, "html")
        return Rendered(spoken, subject, _pieces(_tidy(text), places), _pieces(_squeeze(page), places))

    def subject(self, kind: str, lang: str, context: Mapping[str, Any]) -> str:
        """The subject of one letter alone."""
        environment = self._environment(words.pick([lang], self.languages))
        said = self._run(environment, f"{kind}/subject.txt", context, [], "text")
        if _MARK.search(said):
            raise TemplateFailed(f"{kind}/subject.txt", 0, "a subject cannot hold a personal value")
        return one_line(said)

    def fragment(self, name: str, lang: str, context: Mapping[str, Any]) -> Fragment:
        """A personal block such as `own`: `<name>.txt` and `<name>.html`, without places to splice."""
        environment = self._environment(words.pick([lang], self.languages))
        places: list[Field] = []
        text = self._run(environment, f"{name}.txt", context, places, "text")
        page = self._run(environment, f"{name}.html", context, places, "html")
        if places:
            raise TemplateFailed(name, 0, "a fragment cannot hold a personal value")
        return Fragment(_tidy(text) + "\n", _squeeze(page))

    def personal(self, lang: str, name: str, group: str, process: str) -> dict[str, str]:
        """The fields `greeting` and `why` of one reader; name and group may be ''."""
        gettext = self._gettext(lang)
        named, about = {"name": words.isolate(name)}, words.isolate(process)
        if group:
            why = gettext("You get this because you are a liaison of %(group)s in %(process)s.")
            why %= {"group": words.isolate(group), "process": about}
        else:
            why = gettext("You get this because you take part in %(process)s.") % {"process": about}
        return {"greeting": gettext("Hello %(name)s,") % named if name else gettext("Hello,"), "why": why}

    def _gettext(self, lang: str) -> Callable[[str], str]:
        found = self._said.get(lang)
        if found is None:
            spoken = words.pick([lang], self.languages)
            found = self._said[lang] = (self._catalogues.get(spoken) or NullTranslations()).gettext
        return found

    def _environment(self, lang: str) -> Environment:
        if lang not in self._environments:
            self._environments[lang] = _environment(self._loader, lang, self._catalogues.get(lang))
        return self._environments[lang]

    def _run(
        self, environment: Environment, name: str, context: Mapping[str, Any], places: list[Field], form: str
    ) -> str:
        def splice(what: str, arg: object = "", form: str = form) -> Markup:
            """A mark for a personal value, looked up in `Person` under `what` or `what:arg`."""
            places.append(Field(what, str(arg), form))
            return Markup(f"\ufdd0{len(places) - 1}\ufdd1")  # noqa: S704  # digits between two marks

        def when(value: When) -> str | Markup:
            if value.precision is Precision.TIME:
                return splice("local", words.local_key(value))
            return words.days(value, str(environment.globals["lang"]))

        def piece(template: str, item: Item) -> Markup:
            """A stretch that many variants share: rendered once per subject line, its marks numbered anew."""
            key = (str(environment.globals["lang"]), template, str(context.get("subject", "")), item)
            kept = self._stretches.get(key)
            if kept is None:
                own: list[Field] = []
                kept = (
                    self._run(environment, template, {"subject": context.get("subject", ""), "i": item}, own, form),
                    own,
                )
                if len(self._stretches) >= _MOST_STRETCHES:
                    self._stretches.clear()
                self._stretches[key] = kept
            first = len(places)
            places.extend(kept[1])
            return Markup(_MARK.sub(lambda mark: f"\ufdd0{first + int(mark[1])}\ufdd1", kept[0]))  # noqa: S704  # a template made it

        given = {**context, "splice": splice, "when": when, "piece": piece}
        try:
            return environment.get_template(name).render(given)
        except TemplateSyntaxError as error:
            raise TemplateFailed(error.name or name, error.lineno, error.message or "syntax error") from error
        except TemplateNotFound as error:
            raise TemplateFailed(name, 0, f"there is no template {error.name!r}") from error
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            where, line = _place(error, name)
            raise TemplateFailed(where, line, f"{type(error).__name__}: {error}") from error


class Sketcher(Renderer):
    """Renders the first letter of each kind and language whole, so that a broken template shows; then subjects alone.

    What a rehearsal needs of mails that nobody gets: whole wordings are nearly all of its time and memory.
    """

    def __init__(self, whole: Renderer) -> None:
        super().__init__(whole._load, whole._catalogues)
        self._seen: set[tuple[str, str]] = set()

    def render(self, kind: str, lang: str, context: Mapping[str, Any]) -> Rendered:
        """One letter, or its subject with nothing below."""
        spoken = words.pick([lang], self.languages)
        if (kind, spoken) not in self._seen:
            self._seen.add((kind, spoken))
            return super().render(kind, lang, context)
        return Rendered(spoken, self.subject(kind, lang, context), ("",), ("",))


class _Sandbox(ImmutableSandboxedEnvironment):
    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        # Our own frozen values need no second look at each of their fields: half the cost of a page.
        if type(obj).__module__ == "mailer.content" and not attr.startswith("_"):
            return True
        return super().is_safe_attribute(obj, attr, value)


def _environment(loader: BaseLoader, lang: str, catalogue: NullTranslations | None) -> Environment:
    environment = _Sandbox(
        loader=loader,
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    said = catalogue or NullTranslations()
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by the i18n extension
        said.gettext, said.ngettext, newstyle=True, pgettext=said.pgettext, npgettext=said.npgettext
    )
    environment.globals.update(
        lang=lang.replace("_", "-"),
        dir=words.direction(lang),
        direction=words.direction,
        marks=_marks(lang),
        foreign=_foreign(lang),
    )
    source = _source(said.gettext)
    environment.filters.update(
        html=lambda block, level=3: Markup(markdown.to_html(source(block), level)),  # noqa: S704  # html is off
        plain=lambda block: markdown.to_text(source(block)),
        words=lambda block, limit=0: markdown.to_words(source(block), limit),
        line=lambda block: one_line(source(block)),
        day=lambda value: words.day(value, lang),
        language=lambda tag: words.language_name(tag, lang),
        query=_query,
        quoted=lambda text: "\n".join(f"> {line}".rstrip() for line in str(text).split("\n")),
        underline=_underline,
    )
    return environment


def _marks(lang: str) -> Callable[[Block], Markup]:
    """`lang` and `dir` attributes of a block, so that each is read and laid out by its own language."""

    def marks(block: Block) -> Markup:
        if block.lang.replace("_", "-") == lang.replace("_", "-"):
            return Markup("")
        align = "right" if words.direction(block.lang) == "rtl" else "left"
        tag = escape(block.lang.replace("_", "-"))
        attributes = f' lang="{tag}" dir="{words.direction(block.lang)}" align="{align}"'
        return Markup(attributes)  # noqa: S704  # the tag is escaped above

    return marks


def _foreign(lang: str) -> Callable[..., list[tuple[str, bool]]]:
    """(language name, outdated) of each block that is not in the letter's language or older than its source."""
    own = lang.replace("_", "-").split("-")[0]

    def foreign(*blocks: Block | None) -> list[tuple[str, bool]]:
        found: dict[tuple[str, bool], None] = {}
        for block in blocks:
            if block is None or block.lang in _NO_LANGUAGE:
                continue
            if block.outdated or block.lang.replace("_", "-").split("-")[0] != own:
                found[words.language_name(block.lang, lang), block.outdated] = None
        return list(found)

    return foreign


def _source(gettext: Callable[[str], str]) -> Callable[[object], str]:
    """The text of a block, with the words that stand for personal data in the letter's language."""
    shown = {
        EMAIL: gettext("e-mail address"),
        PHONE: gettext("phone number"),
        PLACE: gettext("postal address"),
        LINK: gettext("private link"),
        SECRET: gettext("token"),
    }

    def reworded(found: re.Match[str]) -> str:
        word = found["word"].replace("\\", "")  # Markdown of a person's words has each sign escaped
        return f"{found['before']}{shown[f'[{word}]']}{found['after']}"

    def source(value: object) -> str:
        text = value.text if isinstance(value, Block) else str(value)
        return _MASKED.sub(reworded, text) if "[" in text else text

    return source


def _query(text: str) -> str:
    """Percent-encoded for the subject of a mailto link (RFC 6068)."""
    return quote(one_line(text), safe="")


def _underline(text: str, sign: str = "-") -> str:
    """A heading of plain text: its words and a rule as wide as they are."""
    return f"{text}\n{sign * min(columns(text), 72)}"


def _pieces(text: str, places: list[Field]) -> tuple[Piece, ...]:
    parts = _MARK.split(text)
    out: list[Piece] = []
    for n, part in enumerate(parts):
        if n % 2 == 0:
            out.append(part)
        elif int(part) < len(places):
            out.append(places[int(part)])
    return tuple(out)


def _tidy(text: str) -> str:
    """Text with at most one empty line between paragraphs and no trailing blanks."""
    lines = (line if line == "-- " else line.rstrip() for line in text.split("\n"))
    return _BLANKS.sub("\n\n", "\n".join(lines)).strip("\n") + "\n"


def _squeeze(page: str) -> str:
    """HTML without indentation and empty lines: smaller, and the same on every screen."""
    return "\n".join(line for raw in page.split("\n") if (line := raw.strip())) + "\n"


def _place(error: BaseException, name: str) -> tuple[str, int]:
    """The innermost template line of a traceback: jinja2 gives its frames the template's name."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.endswith((".txt", ".html"))]
    return (frames[-1].filename, frames[-1].lineno or 0) if frames else (name, 0)
