"""The sample files keep the promises that samples/README.md makes about them."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
import yaml

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
SLUG = re.compile(r"[a-z0-9-]+")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")
ARABIC = re.compile(r"[\u0621-\u064a]")
ADDRESS = re.compile(r"[A-Za-z0-9._+-]+@[a-z0-9-]+(\.[a-z0-9-]+)*\.example")
ANY_ADDRESS = re.compile(r"(?<![\w/.@-])[\w.+-]+@[\w.-]+\w")
SERVICE = {"en", "es", "fr", "de", "ar", "pt", "ru", "zh", "hi", "ja", "id", "sw", "he"}
FILES = ("timeline.yaml", "questions.yaml", "groups.csv", "liaisons.csv", "announcements.yaml")
REQUIRED = [
    "id",
    "kind",
    "track",
    "start",
    "precision",
    "announced",
    "title",
    "description",
    "participate",
    "confidence",
]
OPTIONAL = [
    "also_tracks",
    "end",
    "starts_at",
    "ends_at",
    "second_session",
    "revisions",
    "status",
    "cancelled",
    "participation",
    "questions",
    "location",
    "path",
    "link",
    "path_seen",
    "source",
]


def load(name: str) -> dict[str, Any]:
    content = yaml.safe_load((SAMPLES / name).read_text(encoding="utf-8"))
    assert content["schema"] == 1
    return dict(content)


def rows(name: str) -> list[dict[str, str]]:
    with (SAMPLES / name).open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        found = list(reader)
    assert all(None not in row and None not in row.values() for row in found), "a line has too many or too few columns"
    return found


TIMELINE = load("timeline.yaml")
ENTRIES: list[dict[str, Any]] = TIMELINE["entries"]
BY_ID = {entry["id"]: entry for entry in ENTRIES}
TRACKS = {track["slug"]: track for track in TIMELINE["tracks"]}
QUESTIONS = load("questions.yaml")["questions"]
ANNOUNCEMENTS = load("announcements.yaml")["announcements"]
GROUPS = rows("groups.csv")
LIAISONS = rows("liaisons.csv")


def first_day(value: str) -> date:
    return date.fromisoformat(value if len(value) == 10 else f"{value}-01")


def last_day(value: str) -> date:
    if len(value) == 10:
        return date.fromisoformat(value)
    return (date.fromisoformat(f"{value}-01") + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def ends(dates: dict[str, str]) -> date:
    return last_day(dates.get("end", dates["start"]))


def known(entry: dict[str, Any], day: date) -> dict[str, str] | None:
    """The dates of an entry as announced up to `day`, by the rule of the README; None while it is unknown."""
    if date.fromisoformat(entry["announced"]["on"]) > day:
        return None
    dates: dict[str, str] = {field: entry[field] for field in ("start", "end") if field in entry}
    for revision in reversed(entry.get("revisions", [])):
        if date.fromisoformat(revision["announced"]["on"]) > day:
            dates[revision["field"]] = revision["was"]
    return dates


def stages(entry: dict[str, Any]) -> Iterator[tuple[date, dict[str, str]]]:
    """Each day on which something was announced about the dates of an entry, with the dates known from then on."""
    news = [entry["announced"], *(revision["announced"] for revision in entry.get("revisions", []))]
    for announced in news:
        day = date.fromisoformat(announced["on"])
        dates = known(entry, day)
        assert dates is not None
        yield day, dates


def texts(value: str | dict[str, str]) -> dict[str, str]:
    return {"en": value} if isinstance(value, str) else value


def all_texts() -> Iterator[tuple[str, dict[str, str]]]:
    for entry in ENTRIES:
        for field in ("title", "description", "participation"):
            if field in entry:
                yield f"{entry['id']}.{field}", texts(entry[field])
        for revision in entry.get("revisions", []):
            yield f"{entry['id']}.reason", texts(revision["reason"])
    for question in QUESTIONS:
        yield question["id"], texts(question["text"])
    for announcement in ANNOUNCEMENTS:
        for field in ("title", "body"):
            yield f"{announcement['slug']}.{field}", texts(announcement[field])


@pytest.mark.parametrize("name", FILES)
def test_files_are_plain_utf8_and_every_address_is_reserved(name: str) -> None:
    raw = (SAMPLES / name).read_bytes()
    text = raw.decode("utf-8")
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in raw
    assert raw.endswith(b"\n")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", text)
    without_sources = re.sub(r"https?://\S+", "", text)
    for address in ANY_ADDRESS.findall(without_sources):
        assert ADDRESS.fullmatch(address), address


def test_the_timeline_has_the_entries_that_the_notice_speaks_of() -> None:
    assert len(ENTRIES) == len(BY_ID) == 80
    assert sum(entry["participate"] for entry in ENTRIES) == 46
    assert {entry["id"] for entry in ENTRIES if "revisions" in entry} == {
        "wg-open-call",
        "community-conversations-2019",
        "conversations-2020",
        "final-recommendations",
    }
    assert sum(entry["announced"]["basis"] == "source" for entry in ENTRIES) == 7


def test_the_process_names_its_zone_languages_and_people() -> None:
    process = TIMELINE["process"]
    assert (process["slug"], process["zone"], process["source_language"]) == ("strategy", "Europe/Berlin", "en")
    ZoneInfo(process["zone"])
    assert set(process["languages"]) == SERVICE
    for contact in [*process["contacts"], *(c for track in TRACKS.values() for c in track["contacts"])]:
        assert set(contact) == {"role", "address", "languages"}
        assert ADDRESS.fullmatch(contact["address"])
        assert set(contact["languages"]) <= SERVICE


def test_tracks_have_unique_codes_and_someone_to_ask() -> None:
    assert sorted(track["code"] for track in TRACKS.values()) == sorted(
        ["ADV", "CB", "CH", "DIV", "PAR", "PT", "RA", "REV", "RR", "CORE", "ALL", "OG", "LANG", "BRD", "WRT"]
    )
    assert all(SLUG.fullmatch(slug) and track["contacts"] for slug, track in TRACKS.items())
    assert {slug for slug, track in TRACKS.items() if track["for_all"]} == {"core-team", "all-working-groups"}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["id"])
def test_an_entry_has_the_documented_keys(entry: dict[str, Any]) -> None:
    assert set(REQUIRED) <= set(entry) <= {*REQUIRED, *OPTIONAL}
    assert None not in entry.values()
    assert SLUG.fullmatch(entry["id"])
    assert entry["kind"] in {"phase", "milestone", "event", "publication", "consultation", "deadline"}
    assert entry["precision"] in {"day", "month", "approx"}
    assert entry["confidence"] in {"high", "medium"}
    assert {entry["track"], *entry.get("also_tracks", [])} <= set(TRACKS)
    assert entry["track"] not in entry.get("also_tracks", [])
    assert ("participation" in entry) is entry["participate"]
    assert ("starts_at" in entry) == ("ends_at" in entry)
    assert ("cancelled" in entry) == (entry.get("status") == "cancelled")
    title = quote(entry["path"].replace(" ", "_"), safe="/:;@$!*(),~")
    assert entry["link"] == f"https://meta.wikimedia.org/wiki/{title}"


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["id"])
def test_dates_parse_and_are_in_order_at_every_stage(entry: dict[str, Any]) -> None:
    for announced in [entry["announced"], *(r["announced"] for r in entry.get("revisions", []))]:
        assert set(announced) == {"on", "basis"}
        assert isinstance(announced["on"], str)
        assert announced["basis"] in {"source", "invented"}
    days = []
    for day, dates in stages(entry):
        assert first_day(dates["start"]) <= ends(dates)
        assert day <= ends(dates), "announced after its own end"
        days.append(day)
    assert days == sorted(set(days)), "a revision is not later than what it revises"
    if entry["precision"] == "month":
        assert len(entry["start"]) == 7
    if entry["precision"] == "day":
        assert len(entry["start"]) == 10
    if "starts_at" in entry:
        begin, end = (datetime.fromisoformat(entry[key].replace("Z", "+00:00")) for key in ("starts_at", "ends_at"))
        assert begin.date() == first_day(entry["start"])
        assert begin < end
    if "second_session" in entry:
        begin, end = (datetime.fromisoformat(p.replace("Z", "+00:00")) for p in entry["second_session"].split("/"))
        assert first_day(entry["start"]) <= begin.date() <= ends(entry)
        assert begin < end


def test_a_revision_really_changes_the_date() -> None:
    for entry in ENTRIES:
        for revision in entry.get("revisions", []):
            assert revision["field"] in {"start", "end"}
            day = date.fromisoformat(revision["announced"]["on"])
            before, after = known(entry, day - timedelta(days=1)), known(entry, day)
            assert before is not None
            assert after is not None
            assert before[revision["field"]] == revision["was"] != after[revision["field"]]


def test_the_final_text_moved_twice() -> None:
    final = BY_ID["final-recommendations"]
    assert [dates["start"] for _, dates in stages(final)] == ["2020-03", "2020-04", "2020-05-12"]


def test_what_is_cancelled_was_announced_before_and_not_yet_held() -> None:
    cancelled = [entry for entry in ENTRIES if "cancelled" in entry]
    assert [entry["id"] for entry in cancelled] == ["summit-2020"]
    for entry in cancelled:
        assert set(entry["cancelled"]) == {"on", "basis", "reason"}
        assert entry["announced"]["on"] < entry["cancelled"]["on"] < entry["start"]


def test_in_march_2019_nothing_of_2020_is_known() -> None:
    day = date(2019, 3, 18)
    view = {entry["id"]: dates for entry in ENTRIES if (dates := known(entry, day))}
    assert all(value < "2020" for dates in view.values() for value in dates.values())
    assert view["community-conversations-2019"]["end"] == "2019-05-31"
    open_now = [slug for slug, dates in view.items() if first_day(dates["start"]) <= day <= ends(dates)]
    coming = [slug for slug, dates in view.items() if first_day(dates["start"]) > day]
    assert len(open_now) >= 10
    assert {"summit-2019", "summit-input-deadline", "wikimania-2019"} <= set(coming)
    assert len(view) < len(ENTRIES)
    asked = {question["id"] for question in QUESTIONS if question["entry"] in view}
    assert "RR-2" in asked
    assert not asked & {"ITER-1", "R-1", "R-2", "R-3"}


def test_nothing_is_known_before_it_is_announced_and_everything_at_the_end() -> None:
    assert not any(known(entry, date(2018, 1, 1)) for entry in ENTRIES)
    for entry in ENTRIES:
        final = known(entry, date(2021, 1, 1))
        assert final == {field: entry[field] for field in ("start", "end") if field in entry}


def test_texts_are_in_the_language_they_claim() -> None:
    for where, text in all_texts():
        assert "en" in text, where
        for language, words in text.items():
            assert LANGUAGE.fullmatch(language), where
            assert words.strip(), where
            letters = [letter for letter in words if letter.isalpha()]
            arabic = sum(bool(ARABIC.match(letter)) for letter in letters)
            if language == "ar":
                assert arabic > 0.9 * len(letters), f"{where}: Arabic text with other letters"
            else:
                assert arabic == 0, f"{where}: {language} text with Arabic letters"


def test_fallback_has_something_to_do() -> None:
    arabic = [entry for entry in ENTRIES if "ar" in texts(entry["title"]) and "ar" in texts(entry["description"])]
    assert len(arabic) >= 15
    partly = [entry for entry in arabic if "participation" in entry and "ar" not in texts(entry["participation"])]
    assert partly, "no entry is translated in part"
    assert any("ar" not in texts(entry["title"]) for entry in ENTRIES)


def test_questions_and_entries_name_each_other() -> None:
    assert sorted(question["id"] for question in QUESTIONS) == sorted(
        [
            "RR-1",
            "RR-2",
            "RR-3",
            "ADV-1",
            "ADV-2",
            "PT-1",
            "REV-1",
            "CB-1",
            "CH-1",
            "DIV-1",
            "PAR-1",
            "RA-1",
            "ITER-1",
            "R-1",
            "R-2",
            "R-3",
        ]
    )
    for question in QUESTIONS:
        assert set(question) == {"id", "track", "entry", "basis", "text"}
        assert re.fullmatch(r"[A-Z]+-[1-9][0-9]{0,2}", question["id"])
        assert question["track"] in TRACKS
        assert question["basis"] in {"seen", "drafted"}
        assert {"en", "ar"} <= set(question["text"])
        assert all(words.endswith(("?", "؟")) for words in question["text"].values()), question["id"]
    listed = {(code, entry["id"]) for entry in ENTRIES for code in entry.get("questions", [])}
    assert listed == {(question["id"], question["entry"]) for question in QUESTIONS}


def test_groups_have_a_place_and_a_zone_or_neither() -> None:
    assert len(GROUPS) == len({group["slug"] for group in GROUPS}) == 83
    assert sum(not group["lat"] for group in GROUPS) == 15
    for group in GROUPS:
        placed = bool(group["lat"])
        assert placed == bool(group["lon"]) == bool(group["timezone"]) == (group["coordinates"] != "none")
        assert SLUG.fullmatch(group["slug"])
        assert group["name"]
        assert group["short"]
        assert group["region"]
        assert group["kind"] in {"chapter", "thematic", "usergroup", "collaboration", "community"}
        assert group["languages"]
        assert all(LANGUAGE.fullmatch(tag) for tag in group["languages"].split())
        assert re.fullmatch(r"([A-Z]{2})?", group["country"])
        assert group["evidence"] in {"seen", "background"}
        if placed:
            ZoneInfo(group["timezone"])
            assert -90 <= float(group["lat"]) <= 90
            assert -180 <= float(group["lon"]) <= 180
            assert (float(group["lat"]), float(group["lon"])) != (0, 0)


def test_liaison_lines_are_well_formed() -> None:
    slugs = {group["slug"] for group in GROUPS}
    assert list(LIAISONS[0]) == [
        "name",
        "address",
        "group",
        "role_there",
        "rank",
        "agreed_on",
        "languages",
        "timezone",
        "hour",
        "cadence",
        "size",
        "interests",
        "other_addresses",
    ]
    for line in LIAISONS:
        assert line["name"].strip()
        assert all(ADDRESS.fullmatch(address) for address in [line["address"], *line["other_addresses"].split()])
        assert line["group"] in slugs
        assert line["role_there"] in {"member", "board", "staff", "shared mailbox"}
        assert line["rank"] in {"first", "deputy"}
        assert date.fromisoformat(line["agreed_on"]) <= date(2019, 3, 18)
        assert line["languages"]
        assert all(LANGUAGE.fullmatch(tag) for tag in line["languages"].split())
        ZoneInfo(line["timezone"])
        assert 0 <= int(line["hour"]) <= 23
        assert line["cadence"] in {"every", "weekly", "fortnightly", "monthly"}
        assert line["size"] in {"S", "M", "L"}
        assert set(line["interests"].split()) <= set(TRACKS)


def test_mandates_do_not_contradict_each_other() -> None:
    mandates = Counter((line["address"].lower(), line["group"]) for line in LIAISONS)
    assert max(mandates.values()) == 1
    firsts = Counter(line["group"] for line in LIAISONS if line["rank"] == "first")
    assert max(firsts.values()) == 1
    of_the_mandate = {"group", "role_there", "rank", "agreed_on"}
    people: dict[str, dict[str, str]] = {}
    for line in LIAISONS:
        person = {key: value for key, value in line.items() if key not in of_the_mandate}
        assert people.setdefault(line["address"].lower(), person) == person
    taken = [address.lower() for person in people.values() for address in person["other_addresses"].split()]
    assert len(taken) == len(set(taken))
    assert not set(taken) & set(people)


def test_the_liaisons_cover_what_the_playground_shows() -> None:
    people = {line["address"]: line for line in LIAISONS}
    first_language = Counter(line["languages"].split()[0].split("-")[0] for line in people.values())
    assert set(first_language) >= SERVICE
    assert first_language["ar"] >= 6
    assert {"tempfail@play.example", "permfail@play.example", "slow@play.example"} <= set(people)
    assert sum(line["role_there"] == "shared mailbox" for line in LIAISONS) == 1
    assert sum(line["rank"] == "deputy" for line in LIAISONS) >= 2
    assert len(LIAISONS) == len(people) + 1, "one liaison stands for two groups"
    assert sum(line["timezone"] == "UTC" for line in people.values()) >= 3
    assert any(line["other_addresses"] for line in people.values())
    assert {line["cadence"] for line in LIAISONS} == {"every", "weekly", "fortnightly", "monthly"}
    assert {line["size"] for line in LIAISONS} == {"S", "M", "L"}
    assert not any(re.search(r"[\u0590-\u05ff].*[\u0600-\u06ff]", line["name"]) for line in LIAISONS)


def test_announcements_can_be_scheduled() -> None:
    assert len({announcement["slug"] for announcement in ANNOUNCEMENTS}) == len(ANNOUNCEMENTS) == 3
    for announcement in ANNOUNCEMENTS:
        assert set(announcement) == {"slug", "send_at", "zone", "landing", "audience", "fold", "title", "body"}
        assert SLUG.fullmatch(announcement["slug"])
        assert len(announcement["send_at"]) == 16
        due = datetime.fromisoformat(announcement["send_at"]).replace(tzinfo=ZoneInfo(announcement["zone"]))
        assert due.date() > date(2019, 3, 18)
        assert announcement["landing"] in {"instant", "wall", "hour"}
        assert {"en", "ar"} <= set(announcement["title"]) & set(announcement["body"])
    assert {announcement["fold"] for announcement in ANNOUNCEMENTS} == {True, False}


def test_audiences_pick_somebody_and_not_everybody() -> None:
    slugs = {group["slug"] for group in GROUPS}
    for announcement in ANNOUNCEMENTS:
        audience = announcement["audience"]
        if audience == {"all": True}:
            continue
        assert audience
        assert set(audience) <= {"tracks", "groups", "languages"}
        assert set(audience.get("tracks", [])) <= set(TRACKS)
        assert set(audience.get("groups", [])) <= slugs
        picked = [
            line
            for line in LIAISONS
            if line["group"] in audience.get("groups", [])
            or set(line["languages"].split()) & set(audience.get("languages", []))
            or (set(line["interests"].split()) or set(TRACKS)) & set(audience.get("tracks", []))
        ]
        assert 0 < len(picked) < len(LIAISONS)


def test_the_notice_says_that_the_people_are_invented() -> None:
    notice = (SAMPLES / "NOTICE.md").read_text(encoding="utf-8")
    assert "invented" in notice
    assert all(f"`{name}`" in notice for name in FILES)


def test_the_readme_documents_every_key_in_use() -> None:
    readme = (SAMPLES / "README.md").read_text(encoding="utf-8")
    used = {
        *TIMELINE["process"],
        *(key for track in TRACKS.values() for key in track),
        *(key for entry in ENTRIES for key in entry),
        *(key for question in QUESTIONS for key in question),
        *(key for announcement in ANNOUNCEMENTS for key in announcement),
        *GROUPS[0],
        *LIAISONS[0],
    }
    assert [key for key in sorted(used) if f"`{key}`" not in readme] == []
    assert not list(SAMPLES.rglob("*.py"))
