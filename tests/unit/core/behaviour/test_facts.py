"""The tables that questions are made of hold what their package promises to the templates."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib import resources

import pytest

#: table → its columns and the least number of rows that keeps questions varied
TABLES = {
    "changes": ("clause", 300),
    "cities": ("name country feature", 500),
    "countries": ("name capital region demonym", 150),
    "everyday_items": ("name_plural low_usd high_usd", 150),
    "first_names": ("name", 200),
    "geographic_topics": ("name", 100),
    "goods": ("name kind", 200),
    "historical_events": ("name year place theme", 300),
    "historical_people": ("name field known_for century", 300),
    "inventions": ("name year place", 200),
    "landforms": ("name kind region", 150),
    "languages": ("name kind", 40),
    "life_areas": ("name", 100),
    "living_things": ("name kind habitat", 200),
    "math_topics": ("name", 100),
    "occasions": ("name", 150),
    "roles": ("name", 150),
    "social_groups": ("name", 100),
    "tech_concepts": ("name domain", 400),
    "tech_contrasts": ("first second domain", 150),
    "tech_symptoms": ("name domain", 250),
    "tech_systems": ("name domain", 250),
    "tech_tasks": ("task domain", 150),
    "waters": ("name kind region", 150),
    "works": ("title kind maker year", 150),
}
DOMAINS = {"network", "storage", "compute", "database", "web", "build", "ml"}
FOLDER = resources.files("raysim.core.behaviour").joinpath("facts")

every_table = pytest.mark.parametrize("table", TABLES)


@cache
def lines(table: str) -> list[str]:
    text = FOLDER.joinpath(f"{table}.tsv").read_text(encoding="utf-8")
    assert text.endswith("\n")
    return text.removesuffix("\n").split("\n")


def columns(table: str) -> list[str]:
    return TABLES[table][0].split()


def rows(table: str) -> list[dict[str, str]]:
    body = [line for line in lines(table) if not line.startswith("#")][1:]
    return [dict(zip(columns(table), line.split("\t"), strict=True)) for line in body]


def column(table: str, name: str) -> list[str]:
    return [row[name] for row in rows(table)]


def refused(pattern: str, cells: list[str]) -> list[str]:
    """The cells that do not match `pattern` as a whole."""
    return [cell for cell in cells if not re.fullmatch(pattern, cell)]


def without_article(name: str) -> str:
    return re.sub("^(the|an?) ", "", name.casefold())


def test_every_file_is_a_known_table() -> None:
    files = {entry.name for entry in FOLDER.iterdir() if entry.name.endswith(".tsv")}
    assert files == {f"{table}.tsv" for table in TABLES}


@every_table
def test_a_table_names_its_source_then_its_columns(table: str) -> None:
    assert lines(table)[0].startswith("# source: ")
    header = next(line for line in lines(table) if not line.startswith("#"))
    assert header.split("\t") == columns(table)


@every_table
def test_every_row_fills_every_column_with_tidy_text(table: str) -> None:
    for line in lines(table):
        assert line == unicodedata.normalize("NFC", line), line
        for cell in line.split("\t"):
            assert cell, line
            assert " ".join(cell.split()) == cell, line
            # a template's own braces and sentence ends stay the only ones
            assert not re.search(r"[{}\"<>]|[.,;:?!]$", cell) or line.startswith("#") or cell.endswith("Jr."), line
    assert all(len(line.split("\t")) == len(columns(table)) for line in lines(table)[1:])


@every_table
def test_rows_are_enough_and_distinct(table: str) -> None:
    width = 2 if table == "tech_contrasts" else 1
    keys = [without_article(" ".join([row[name] for name in columns(table)[:width]])) for row in rows(table)]
    assert len(keys) >= TABLES[table][1]
    assert [key for key in set(keys) if keys.count(key) > 1] == []


@pytest.mark.parametrize("table", ["historical_events", "inventions", "works"])
def test_years_are_plausible_and_in_order(table: str) -> None:
    years = [int(year) for year in column(table, "year")]
    assert all(-3000 <= year <= 2010 and year != 0 for year in years)
    assert years == sorted(years)
    assert refused(r"-?[1-9]\d*", column(table, "year")) == []


def test_events_are_noun_phrases_without_a_year() -> None:
    names = column("historical_events", "name")
    assert refused(r"(the [^\d]+|Pugachev's Rebellion)", names) == []
    assert refused(r"[a-z' ]+", column("historical_events", "theme")) == []


def test_an_event_does_not_name_its_place_twice() -> None:
    twice = [
        row["name"] for row in rows("historical_events") if without_article(row["place"]) in row["name"].casefold()
    ]
    assert twice == []


def test_people_are_known_for_something_in_a_century() -> None:
    assert refused(r"the [1-9]\d?(st|nd|rd|th) century( BC)?", column("historical_people", "century")) == []
    assert [
        fact for fact in column("historical_people", "known_for") if re.match(r"(being|having|who|that)\b", fact)
    ] == []
    assert refused(r"[A-Z]?[a-z-]+( [a-z]+)*", column("historical_people", "field")) == []


def test_a_city_has_a_feature_of_its_own() -> None:
    assert refused(r"(its|the) .+", column("cities", "feature")) == []


def test_articles_are_where_templates_expect_them() -> None:
    assert refused(r"an? .+", column("tech_systems", "name")) == []
    assert refused(r"an? .+", column("roles", "name")) == []
    assert refused(r"(an?|my) .+", column("occasions", "name")) == []
    for table, key in (("tech_systems", "name"), ("roles", "name"), ("occasions", "name")):
        wrong = [
            cell for cell in column(table, key) if re.match(r"a (?!one-|uni|euro)[aeio]|an [bcdfgjkpqtvwyz]", cell)
        ]
        assert wrong == [], table


@pytest.mark.parametrize("table", ["tech_systems", "tech_symptoms", "tech_concepts", "tech_contrasts", "tech_tasks"])
def test_every_domain_has_rows(table: str) -> None:
    domains = column(table, "domain")
    assert set(domains) == DOMAINS
    assert min(domains.count(domain) for domain in DOMAINS) >= 15


def test_a_contrast_is_given_once() -> None:
    pairs = [frozenset((row["first"], row["second"])) for row in rows("tech_contrasts")]
    assert min(map(len, pairs)) == 2
    assert len(set(pairs)) == len(pairs)


def test_changes_continue_a_sentence() -> None:
    clauses = column("changes", "clause")
    proper = r"(the|a|an|[a-z]+|Africa|Antarctica|Australia|Iceland)"
    assert refused(rf"{proper} .+", clauses) == []
    assert [clause for clause in clauses if re.search(r"\b(is|are|will|has|have to|was|if)\b", clause)] == []


def test_tasks_are_infinitives_without_to() -> None:
    assert refused(r"[a-z-]+( .+)", column("tech_tasks", "task")) == []
    assert [task for task in column("tech_tasks", "task") if re.match(r"(to|how|the|an?|[a-z]+ing) ", task)] == []


def test_prices_are_a_range() -> None:
    for row in rows("everyday_items"):
        assert re.fullmatch(r"\d+\.\d\d", row["low_usd"])
        assert re.fullmatch(r"\d+\.\d\d", row["high_usd"])
        assert 0 < float(row["low_usd"]) < float(row["high_usd"]) < 1000


@pytest.mark.parametrize(
    ("table", "name"),
    [("goods", "kind"), ("living_things", "kind"), ("waters", "kind"), ("landforms", "kind"), ("works", "kind")],
)
def test_kinds_are_plain_nouns(table: str, name: str) -> None:
    assert refused(r"[a-z]+( [a-z]+){0,3}", column(table, name)) == []


def test_topics_go_with_a_singular_verb() -> None:
    heads = [
        re.split(r" (?:of|in|to|for|from|with|between) ", topic)[0] for topic in column("geographic_topics", "name")
    ]
    assert [head for head in heads if re.search(r"[^s]s$", head)] == []
