"""Labels by name."""

from harness.tasks.labels import label_places, unknown_label


def test_names_become_places():
    """A name that isn't a label is -1, never 0."""
    assert label_places(["no", "yes", "maybe"], ["yes", "no"]).tolist() == [1, 0, -1]


def test_case_and_space_count():
    """A label is matched as it is written."""
    assert label_places(["Yes", "yes "], ["yes"]).tolist() == [-1, -1]


def test_the_error_says_what_was_expected():
    """Example, label and label set."""
    text = str(unknown_label("e7", "maybe", ["yes", "no"]))
    assert text.startswith("example e7: got the label 'maybe'; expected one of 'yes', 'no'.")


def test_long_label_sets_are_told_in_part():
    """25 labels: 20 and a number."""
    assert "'19' and 5 more" in str(unknown_label("e", "x", [str(i) for i in range(25)]))
