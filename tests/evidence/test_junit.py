"""One JUnit case a claim: passed, failure, skipped or error, with the numbers."""

import pytest
from lxml import etree

from harness.errors import DataError, MachineError
from harness.evidence.junit import write_junit

# What Jenkins' junit-10.xsd and Ant's schema both take, of what is written here.
SCHEMA = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:complexType name="result"><xs:simpleContent><xs:extension base="xs:string">
    <xs:attribute name="message" type="xs:string"/><xs:attribute name="type" type="xs:string"/>
  </xs:extension></xs:simpleContent></xs:complexType>
  <xs:attributeGroup name="counts">
    <xs:attribute name="tests" type="xs:nonNegativeInteger" use="required"/>
    <xs:attribute name="failures" type="xs:nonNegativeInteger" use="required"/>
    <xs:attribute name="errors" type="xs:nonNegativeInteger" use="required"/>
    <xs:attribute name="skipped" type="xs:nonNegativeInteger"/>
    <xs:attribute name="time" type="xs:decimal"/>
  </xs:attributeGroup>
  <xs:element name="testsuites"><xs:complexType><xs:sequence>
    <xs:element name="testsuite" maxOccurs="unbounded"><xs:complexType><xs:sequence>
      <xs:element name="testcase" minOccurs="0" maxOccurs="unbounded"><xs:complexType>
        <xs:choice minOccurs="0">
          <xs:element name="skipped" type="result"/><xs:element name="failure" type="result"/>
          <xs:element name="error" type="result"/>
        </xs:choice>
        <xs:attribute name="name" type="xs:string" use="required"/>
        <xs:attribute name="classname" type="xs:string" use="required"/>
        <xs:attribute name="time" type="xs:decimal" use="required"/>
      </xs:complexType></xs:element></xs:sequence>
      <xs:attribute name="name" type="xs:string" use="required"/>
      <xs:attributeGroup ref="counts"/>
    </xs:complexType></xs:element></xs:sequence>
    <xs:attributeGroup ref="counts"/>
  </xs:complexType></xs:element>
</xs:schema>
"""


@pytest.fixture
def judged(made):
    """The tiny claim's comparison with another verdict."""
    (comparison,) = made.comparisons.values()

    def change(**verdict):
        return comparison.model_copy(
            update={"verdict": comparison.verdict.model_copy(update=verdict)}
        )

    return change


@pytest.fixture
def suites(tmp_path):
    """The document that is written, valid against the schema."""

    def write(comparisons, failed=None, seconds=None):
        path = tmp_path / "some/where/junit.xml"
        write_junit(path, "quick", comparisons, failed or {}, seconds or {})
        document = etree.parse(path)
        etree.XMLSchema(etree.fromstring(SCHEMA)).assertValid(document)
        assert [one.name for one in path.parent.iterdir()] == ["junit.xml"]
        return document.getroot()

    return write


@pytest.mark.parametrize(
    ("verdict", "child", "counted"),
    [
        ({"rung": "DIRECTION", "required": "DIRECTION", "met": True}, None, None),
        ({"rung": "CONTRADICTED", "required": "CONTRADICTED", "met": True}, None, None),
        ({"rung": "CONTRADICTED", "required": "DIRECTION", "met": False}, "failure", "failures"),
        ({"rung": "INCONCLUSIVE", "required": "DIRECTION", "met": False}, "skipped", "skipped"),
        ({"rung": "DIRECTION", "required": "SUBSTANTIAL", "met": False}, "skipped", "skipped"),
        ({"rung": "INVALID", "required": "DIRECTION", "met": False}, "error", "errors"),
    ],
)
def test_a_verdict_decides_the_result(suites, judged, verdict, child, counted):
    """What the manifest asks for passes, whatever it is."""
    suite = suites({"paper1/claim1": judged(**verdict)})[0]
    (case,) = suite
    assert (case.get("classname"), case.get("name")) == ("paper1", "claim1")
    assert [one.tag for one in case] == ([child] if child else [])
    counts = {name: int(suite.get(name)) for name in ("failures", "errors", "skipped")}
    assert counts == {name: int(name == counted) for name in counts}
    assert suite.get("tests") == "1"


def test_a_result_holds_the_numbers(suites, judged):
    """Rung, what was asked for, the difference with its bounds, the paper's; then each test."""
    verdict = {"rung": "CONTRADICTED", "met": False, "reasons": ("one test", "another")}
    (failure,) = suites({"paper1/claim1": judged(**verdict, flags=("SMALLER",))})[0][0]
    assert failure.get("type") == "CONTRADICTED"
    message = failure.get("message")
    assert message.startswith("CONTRADICTED, asked for: DIRECTION. first minus none +")
    assert "one-sided 95.0% bounds" in message
    assert message.endswith("2 seed(s); the paper's +10")
    assert failure.text == "one test\nanother\nflags: SMALLER"


def test_a_claim_without_a_verdict_is_an_error(suites, judged):
    """Data refused or a stage failed; beside a claim that passed."""
    refused = DataError(where="checks", got="<b>", expected="rows & answers", fix="Fetch.")
    full = MachineError(where="disk", got="full", expected="space", fix="Free some.")
    found = suites({"paper1/claim1": judged(met=True)}, {"paper1/b": refused, "paper1/c": full})
    cases = {case.get("name"): case for case in found[0]}
    assert cases["b"][0].tag == "error"
    assert cases["b"][0].get("type") == "DataError"
    assert cases["b"][0].get("message") == str(refused)
    assert (found.get("tests"), found.get("errors")) == ("3", "2")


def test_seconds_are_those_of_the_stages(suites, judged):
    """Of a claim, and their sum."""
    both = {"paper1/claim1": judged(met=True), "paper1/two": judged(met=True)}
    found = suites(both, seconds={"paper1/claim1": 1.5, "paper1/two": 2.25})
    assert [float(case.get("time")) for case in found[0]] == [1.5, 2.25]
    assert float(found[0].get("time")) == 3.75


def test_text_that_xml_cannot_hold_is_replaced(suites, judged):
    """Control characters and lone surrogates; markup is escaped, and other scripts stay."""
    reasons = ("\x00\x1b[31m", "]]> <script>", "\ud800", "\ufffe", "ไทย\N{GRINNING FACE}")
    (skipped,) = suites({"p/c": judged(rung="INCONCLUSIVE", met=False, reasons=reasons)})[0][0]
    assert skipped.text.split("\n")[:5] == [
        "\ufffd\ufffd[31m",
        "]]> <script>",
        "\ufffd",
        "\ufffd",
        "ไทย\N{GRINNING FACE}",
    ]


def test_the_schema_refuses_another_child():
    """So that the tests above can fail."""
    wrong = '<testsuites tests="0" failures="0" errors="0"><testcase name="x"/></testsuites>'
    assert not etree.XMLSchema(etree.fromstring(SCHEMA)).validate(etree.fromstring(wrong))


def test_reproduce_writes_it(cli, steer, tmp_path):
    """From the command line, also where a claim fails."""
    (steer / "finetune").write_text("StageError", encoding="utf-8")
    claim = "phang2020/tydiqa-english-gain"
    result = cli("reproduce", claim, "--mirror", steer, "--junit", tmp_path / "junit.xml")
    assert result.status == 4
    (case,) = etree.parse(tmp_path / "junit.xml").getroot()[0]
    assert (case.get("name"), case[0].tag) == ("tydiqa-english-gain", "error")
