"""Great Expectations' own page of one table."""

import pyarrow as pa

from harness.data_checks.docs import page
from harness.data_checks.suites import plan_checks


def test_the_page_has_every_expectation_and_what_failed():
    """Three sound rows and one whose answer stands elsewhere."""
    rows = [
        {
            "id": f"q{number}",
            "context": "Paris is the capital of France.",
            "question": f"Whose capital is Paris, number {number}?",
            "answers": {"text": ["France"], "answer_start": [24 + (number == 3)]},
            "language": "en",
            "config": "c",
        }
        for number in range(4)
    ]
    given = {"rows": 4, "languages": {}, "no_answer": False, "realign": 0}
    plan = plan_checks("extractive_qa", "capitals", given)
    html = page(pa.Table.from_pylist(rows), plan)
    assert "<!DOCTYPE html>" in html
    assert "Expectation Validation Result" in html
    assert "1 answers that stand elsewhere" in html
