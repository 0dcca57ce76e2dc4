"""Generated rows of the tasks that aren't question answering."""

import json
import re
from collections import Counter

import pytest

from harness.sources import mini
from harness.sources.mini import draws, facts, inference, names, outlines, passages, schemas
from harness.sources.mini import sizes as sizes_
from harness.sources.mini.inference import CONTRADICTION, ENTAILMENT, NEUTRAL
from harness.sources.mini.lexicon import TAGGED
from harness.sources.mini.sets import SETS
from harness.sources.mini.values import RELATIONS, Fact, Value
from harness.sources.mini.words import templates, words

INFERENCES = [
    pytest.param(part, id="/".join((name, *key)))
    for name in ("mnli", "snli", "anli", "xnli")
    for key, part in SETS[name].parts.items()
]
CHOICES = [
    (name, key) for name in ("hellaswag", "cosmosqa", "commonsenseqa") for key in SETS[name].parts
]


def _facts(purpose, recipe):
    for one in inference.draw(purpose, recipe):
        yield one, {statement.fact for statement in one.premise}, one.hypothesis.fact


@pytest.mark.parametrize("part", INFERENCES)
def test_labels_of_inferences_are_true_of_their_facts(part):
    """Entailed: stated; contradicted: another value is stated; neutral: nothing is."""
    for one, stated, claimed in _facts(part.purpose, part.recipe):
        about = {fact.value for fact in stated if (fact.subject, fact.relation) == _about(claimed)}
        assert len(one.premise) == part.recipe.sentences
        expected = {ENTAILMENT: {claimed.value}, NEUTRAL: set()}.get(one.label)
        if expected is None:
            assert one.label == CONTRADICTION and len(about) == 1 and claimed.value not in about
        else:
            assert about == expected


def _about(fact):
    return fact.subject, fact.relation


@pytest.mark.parametrize("part", INFERENCES)
def test_inferences_have_each_label_equally_often(part):
    """One apart at most, where the rows aren't a multiple of three."""
    counts = Counter(one.label for one in inference.draw(part.purpose, part.recipe))
    assert set(counts) == {ENTAILMENT, NEUTRAL, CONTRADICTION}
    assert max(counts.values()) - min(counts.values()) <= 1


def test_every_twenty_fifth_row_of_snli_has_no_label():
    """200 rows, 8 of them -1."""
    labels = [row["label"] for row in mini.generate("snli", "plain_text", "train")]
    assert [i for i, label in enumerate(labels) if label == -1] == list(range(24, 200, 25))


def test_xnli_is_parallel():
    """The same facts and labels, in four languages."""
    rows = {code: mini.generate("xnli", code, "test") for code in ("ar", "en", "ru", "sw")}
    labels = {code: [row["label"] for row in some] for code, some in rows.items()}
    assert len({tuple(some) for some in labels.values()}) == 1
    assert len({row["premise"] for some in rows.values() for row in some}) == 4 * 60


@pytest.mark.parametrize("split", ["train", "test"])
def test_half_of_pawsx_are_paraphrases(split):
    """They have the same numbers; of the others about a third have (two are exchanged)."""
    rows = mini.generate("pawsx", "en", split)
    assert Counter(row["label"] for row in rows) == {0: len(rows) / 2, 1: len(rows) / 2}
    assert [row["id"] for row in rows] == list(range(1, len(rows) + 1))
    same = Counter()
    for row in rows:
        assert row["sentence1"] != row["sentence2"]
        numbers = [sorted(re.findall(r"\d+(?:,\d+)*", row[f"sentence{i}"])) for i in (1, 2)]
        same[row["label"]] += numbers[0] == numbers[1]
    assert same[1] == len(rows) / 2 > same[0] > 0


def test_half_of_qqp_are_duplicates():
    """No question is paired with itself."""
    rows = mini.generate("qqp", "qqp", "train")
    half = sizes_.QQP.rows / 2
    assert Counter(row["label"] for row in rows) == {0: half, 1: half}
    assert all(row["question1"] != row["question2"] for row in rows)


@pytest.mark.parametrize(("name", "key"), CHOICES, ids=str)
def test_choices_differ_and_each_place_is_right_now_and_then(name, key):
    """No place is right in more than half of the rows."""
    places = Counter()
    for row in mini.generate(name, *key):
        choices, place = _choices(name, row)
        assert len(set(choices)) == len(choices) == (5 if name == "commonsenseqa" else 4)
        places[place] += 1
    assert sorted(places) == list(range(len(choices)))
    assert max(places.values()) < places.total() / 2


def _choices(name, row):
    if name == "hellaswag":
        return row["endings"], int(row["label"])
    if name == "cosmosqa":
        return [row[f"answer{i}"] for i in range(4)], row["label"]
    return row["choices"]["text"], row["choices"]["label"].index(row["answerKey"])


def test_hellaswags_quirks():
    """The label is a string, and ctx is ctx_a with ctx_b."""
    for row in mini.generate("hellaswag", "default", "validation"):
        assert row["label"] in {"0", "1", "2", "3"} and row["split"] == "val"
        assert row["ctx"] == f"{row['ctx_a']} {row['ctx_b']}"


def test_no_wrong_choice_of_commonsenseqa_is_true():
    """A country's other neighbours and languages aren't offered as wrong."""
    of = {
        (names.name(Value("country", iso), "en"), names.name(fact.value, "en"))
        for iso, some in facts.facts().items()
        for fact in some
        if fact.relation in ("neighbour", "language")
    }
    for row in mini.generate("commonsenseqa", "default", "train"):
        right = [text for text in row["choices"]["text"] if (row["question_concept"], text) in of]
        assert len(right) <= 1


@pytest.mark.parametrize("language", TAGGED)
def test_every_sentence_template_has_a_tag_for_each_word(language):
    """Tags are UPOS, the slots stand where the words have them."""
    for relation in RELATIONS:
        sentences = passages.phrasings(language)[relation]["sentences"]
        tagged = templates("upos", language)[relation]
        for sentence, tags in zip(sentences, tagged, strict=True):
            found = [re.sub(r".*({\w+}).*", r"\1", word) for word, _ in words(sentence)]
            assert len(found) == len(tags.split())
            for word, tag in zip(found, tags.split(), strict=True):
                assert word == tag if "{" in tag else tag in schemas.UPOS and "{" not in word
                assert (tag == "PUNCT") == (not any(c.isalnum() for c in word))


def test_ccg_categories_stand_for_each_word():
    """As many as words, with the slots in their places."""
    for relation in RELATIONS:
        sentences = passages.phrasings("en")[relation]["sentences"]
        for sentence, tags in zip(sentences, templates("ccg", "en")[relation], strict=True):
            pairs = list(zip(words(sentence), tags.split(), strict=True))
            assert all(("{" in word) == ("{" in tag) for (word, _), tag in pairs)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Maassa on 337\xa0030 asukasta.", ["Maassa", "on", "337\xa0030", "asukasta", "."]),
        ("Päivä on 21. tammikuuta 1999.", ["Päivä", "on", "21.", "tammikuuta", "1999", "."]),
        ("имеет 5\xa0000 кв. км.", ["имеет", "5\xa0000", "кв.", "км", "."]),
        ("(дата: 1999\u202fг.).", ["(", "дата", ":", "1999", "г.", ")", "."]),  # noqa: RUF001
        ("On May 1, 1999, it", ["On", "May", "1", ",", "1999", ",", "it"]),
        ("নাম লেভ।", ["নাম", "লেভ", "।"]),
    ],
)
def test_words_are_divided_as_in_treebanks(text, expected):
    """Punctuation apart; ordinals, abbreviations and the groups of a number whole."""
    found = words(text)
    assert [word for word, _ in found] == expected
    assert all(text[at : at + len(word)] == word for word, at in found)


def test_a_finnish_sentence_has_its_parts_of_speech():
    """By hand, of "Maan nimeltä X pinta-ala on N neliökilometriä" and its full stop."""
    fact = Fact("FI", "area", Value("number", "337030"))
    recipe = SETS["udpos"].parts["udpos.Finnish", "test"]
    assert passages.say(fact, 0, "fi").startswith("Maan nimeltä Suomi pinta-ala on 337")
    rows = recipe.make(recipe.purpose, recipe.recipe, "fi")
    row = next(row for row in rows if row["tokens"][3] == "pinta-ala")
    tags = [schemas.UPOS[tag] for tag in row["pos_tags"]]
    assert tags == ["NOUN", "NOUN", "PROPN", "NOUN", "AUX", "NUM", "NOUN", "PUNCT"]


def test_named_entities_are_places_and_organisations():
    """A name of two words is B- then I-; money, languages and days are O."""
    rows = mini.generate("panx", "PAN-X.en", "train")
    spans = Counter()
    for row in rows:
        tags = [schemas.NER[tag] for tag in row["ner_tags"]]
        assert len(tags) == len(row["tokens"]) == len(row["langs"])
        for before, tag in zip(["O", *tags], tags, strict=False):
            assert not tag.startswith("I-") or before[2:] == tag[2:]
        spans.update(dict(zip(row["tokens"], tags, strict=True)).items())
    assert spans["Nations", "I-ORG"] and spans["European", "B-ORG"] and spans["Finland", "B-LOC"]
    assert not {word for word, tag in spans if tag == "O"} & {"Finland", "Finnish-speaking"}
    assert spans["Pula", "O"] and spans["Euro", "O"] and spans["Botswanan", "O"]


def test_members_of_the_union_use_what_they_should():
    """Finland is in both organisations, Iceland in one."""
    assert [fact.value.key for fact in facts.members("FI")] == ["UN", "EU"]
    assert [fact.value.key for fact in facts.members("IS")] == ["UN"]


@pytest.mark.parametrize("language", mini.LANGUAGES)
def test_memberships_have_both_slots(language):
    """As many phrasings as any relation, all different."""
    found = passages.memberships(language)
    assert len(set(found)) == len(found) == outlines.SENTENCE_PHRASINGS
    assert all(sorted(re.findall(r"{.*?}", one)) == ["{subject}", "{value}"] for one in found)


def test_tatoebas_sentences_differ_and_end_in_a_newline():
    """Row i of every language says what row i of the others says."""
    english = None
    for config in mini.describe()["tatoeba"]:
        rows = mini.generate("tatoeba", config, "validation")
        for column in ("source_sentence", "target_sentence"):
            texts = [row[column] for row in rows]
            assert len(set(texts)) == 200 and all(
                text.endswith(".\n") or "।\n" in text for text in texts
            )
        assert {row["source_lang"] for row in rows} == {config.split(".")[1]}
        english = english or [row["target_sentence"] for row in rows]
        assert english == [row["target_sentence"] for row in rows]


def test_buccs_gold_is_one_based_and_one_to_one():
    """Paired sentences hold the same calling code, where they hold one."""
    (row,) = mini.generate("bucc", "ru-en", "test")
    assert (len(row["sentence1"]), len(row["sentence2"]), len(row["gold"])) == (300, 400, 100)
    assert len({pair[0] for pair in row["gold"]}) == len({pair[1] for pair in row["gold"]}) == 100
    assert len(set(row["sentence1"])) == 300 and len(set(row["sentence2"])) == 400
    codes = 0
    for i, j in row["gold"]:
        russian, english = row["sentence1"][i - 1], row["sentence2"][j - 1]
        found = re.findall(r"\+\d+", russian)
        assert found == re.findall(r"\+\d+", english)
        codes += len(found)
    assert codes


def test_no_two_facts_of_a_pool_say_the_same():
    """Of two neighbours only one says that they are."""
    told = [fact for fact in draws.pool("evaluation", "target") if fact.relation == "neighbour"]
    pairs = {frozenset((fact.subject, fact.value.key)) for fact in told}
    assert len(pairs) == len(told)


@pytest.mark.parametrize(
    ("name", "column", "labels"),
    [
        ("xnli", "label", schemas.NLI),
        ("qqp", "label", schemas.DUPLICATE),
        ("udpos", "pos_tags", schemas.UPOS),
        ("panx", "ner_tags", schemas.NER),
    ],
)
def test_label_names_are_in_the_schemas_metadata(name, column, labels):
    """As datasets writes them into the Hub's Parquet files."""
    features = json.loads(mini.schema(name).metadata[b"huggingface"])["info"]["features"]
    found = features[column].get("feature", features[column])
    assert found == {"names": list(labels), "_type": "ClassLabel"}


def test_countries_that_are_evaluated_on_are_never_trained_on():
    """The recipe of every training split has another group than any evaluation's."""
    groups = {"train": set(), "check": set()}
    for made in SETS.values():
        for (_, split), part in made.parts.items():
            group = getattr(part.recipe, "group", None)
            groups["train" if split.startswith("train") else "check"].add(group)
    assert groups["train"] == {"intermediate", "target"}
    # None: BUCC mines among two groups, and nothing is trained for it.
    assert groups["check"] == {"evaluation", None}
    assert "intermediate" not in sizes_.BUCC.groups
