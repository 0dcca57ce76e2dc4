"""Seeds added after a look: every bound at a third of the error, twice at most."""

import json

import pytest

from harness.artifacts import Store
from harness.errors import UsageError, VerificationError
from harness.looks import allowed, look_number, read, remember, sample

CLAIM = "phang2020/tydiqa-english-gain"


def test_the_first_result_is_the_first_look():
    """Nothing was seen."""
    assert look_number({}, 2) == 1


def test_more_seeds_than_were_seen_are_the_next_look():
    """Seen with 1, then with 2: 3 are the third; also where 2 were jumped over."""
    assert look_number({1: 1}, 2) == 2
    assert look_number({1: 1, 2: 2}, 3) == 3
    assert look_number({1: 1}, 5) == 2


def test_the_same_number_again_is_the_same_look():
    """The command that was run first keeps its verdict after others were run."""
    assert look_number({1: 1, 2: 2, 3: 3}, 1) == 1
    assert look_number({1: 1, 2: 2, 3: 3}, 2) == 2


def test_fewer_seeds_than_were_seen_add_nothing():
    """Two of the three seeds that were looked at."""
    assert look_number({3: 1}, 2) == 1


def test_a_fourth_look_is_refused():
    """The message names what was seen and what may be asked for."""
    with pytest.raises(UsageError, match=r"looked at with 1, 2, 3 seeds.*added 2 times at most"):
        allowed(CLAIM, 4, 5, {1: 1, 2: 2, 3: 3})


def test_a_sample_is_the_claim_with_its_first_seeds_scores():
    """More seeds are added to it; other scores, or another claim, are another sample."""
    scores = {"score/none/0/tydiqa": "a", "score/first/0/tydiqa": "b"}
    more = {**scores, "score/none/1/tydiqa": "c", "predict/none/0/tydiqa": "d"}
    assert sample(CLAIM, scores) == sample(CLAIM, more)
    assert sample(CLAIM, scores) != sample(CLAIM, {**scores, "score/none/0/tydiqa": "x"})
    assert sample(CLAIM, scores) != sample("phang2020/other", scores)


def test_a_look_is_remembered_once(tmp_path):
    """What stands there is never rewritten."""
    store = Store(tmp_path)
    remember(store, "s", 2, 1)
    remember(store, "s", 3, 2)
    remember(store, "s", 2, 9)
    assert read(store) == {"s": {2: 1, 3: 2}}


@pytest.mark.parametrize("text", ["", "[]", '{"looks": {"two": 1}}', '{"looks": [1]}', "\udcff"])
def test_a_damaged_record_is_told(tmp_path, text):
    """Not taken for no look."""
    (tmp_path / "looks").mkdir()
    (tmp_path / "looks/s.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(VerificationError, match=r"s\.json: .*Remove the file"):
        read(Store(tmp_path))


@pytest.fixture
def verdict(cli, steer, tmp_path):
    """The verdict of the claim with so many seeds, training faked."""

    def run(seeds):
        result = cli("reproduce", CLAIM, "--mirror", steer, "--seeds", str(seeds), "--json")
        assert result.out, result.err
        return json.loads(result.out)

    return run


def test_seeds_are_added_twice_at_most(verdict):
    """1, 2, 3 seeds: 95 %, then 98.3 % each, with the flag; then no more, and 2 as before."""
    seen = [verdict(seeds)["comparisons"][CLAIM] for seeds in (1, 2, 3)]
    assert [one["verdict"]["looks"] for one in seen] == [1, 2, 3]
    assert ["SEEDS_ADDED" in one["verdict"]["flags"] for one in seen] == [False, True, True]
    levels = [one["effects"][0]["same_items"]["level"] for one in seen]
    assert levels == pytest.approx([0.95, 1 - 0.05 / 3, 1 - 0.05 / 3])
    refused = verdict(4)
    assert refused["error"]["exit"] == 2
    assert "added 2 times at most" in refused["error"]["message"]
    assert verdict(2)["comparisons"][CLAIM] == seen[1]


def test_added_seeds_reuse_those_that_are_there(verdict):
    """Of the second seed's run only its own stages are made, and the comparison."""
    first, second = verdict(1), verdict(2)
    assert second["stages"]["made"] <= first["stages"]["made"]
    assert second["stages"]["cached"] > 0
    again = verdict(2)
    assert again["stages"]["made"] == 0


def test_seeds_planned_from_the_start_cost_nothing(verdict):
    """Two seeds in the first run."""
    found = verdict(2)["comparisons"][CLAIM]["verdict"]
    assert found["looks"] == 1
    assert "SEEDS_ADDED" not in found["flags"]
