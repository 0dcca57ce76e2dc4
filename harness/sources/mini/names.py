"""Values -> what each language calls them, by CLDR; always the citation form.

A name that CLDR leaves out for a language written in Latin letters is the one that CLDR itself
falls back to: the last part of the time zone's identifier ("Europe/Helsinki" -> Helsinki).
"""

from __future__ import annotations

import datetime
from functools import cache

from babel import Locale
from babel.core import get_global
from babel.dates import format_date
from babel.numbers import format_decimal

from harness.sources.mini.values import Value

LANGUAGES = ("en", "ar", "bn", "fi", "id", "ko", "ru", "sw", "te")
_LATIN = ("en", "fi", "id", "sw")
# Babel formats with European digits everywhere; CLDR's default for these languages is another set.
_DIGITS = {"beng": str.maketrans("0123456789", "০১২৩৪৫৬৭৮৯")}
# Joiners that some CLDR names end in: they show nothing there and would blur the answer's end.
_INVISIBLE = "\u200c\u200d\u200e\u200f "


@cache
def name(value: Value, language: str) -> str | None:
    """What `language` calls `value`; None where neither CLDR nor its own fallback has a name."""
    found = _NAMERS[value.kind](value.key, _locale(language))
    return found.strip(_INVISIBLE) if found else None


def nameable(value: Value) -> bool:
    """Whether all nine languages have a name for `value`."""
    return all(name(value, language) for language in LANGUAGES)


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(language)


def _country(key: str, locale: Locale) -> str | None:
    # CLDR lists the United Nations and the European Union among the territories.
    return locale.territories.get(key)


def _city(key: str, locale: Locale) -> str | None:
    for zone in (key, *_older_zones().get(key, ())):
        if found := locale.time_zones.get(zone, {}).get("city"):
            return str(found)
    return key.split("/")[-1].replace("_", " ") if locale.language in _LATIN else None


@cache
def _older_zones() -> dict[str, list[str]]:
    # CLDR keeps some cities under the identifier that a zone had first.
    older: dict[str, list[str]] = {}
    for old, new in sorted(get_global("zone_aliases").items()):
        older.setdefault(new, []).append(old)
    return older


def _language(key: str, locale: Locale) -> str | None:
    return locale.languages.get(key)


def _currency(key: str, locale: Locale) -> str | None:
    return locale.currencies.get(key)


def _number(key: str, locale: Locale) -> str:
    return _digits(format_decimal(int(key), locale=locale), locale)


def _date(key: str, locale: Locale) -> str:
    return _digits(format_date(datetime.date.fromisoformat(key), "long", locale=locale), locale)


def _weekday(key: str, locale: Locale) -> str:
    return str(locale.days["stand-alone"]["wide"][int(key)])


def _code(key: str, locale: Locale) -> str:
    return _digits(key, locale)


def _digits(text: str, locale: Locale) -> str:
    return text.translate(_DIGITS.get(locale.default_numbering_system, {}))


_NAMERS = {
    "city": _city,
    "code": _code,
    "country": _country,
    "currency": _currency,
    "date": _date,
    "language": _language,
    "number": _number,
    "organisation": _country,
    "weekday": _weekday,
}
