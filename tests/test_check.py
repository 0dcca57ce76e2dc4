"""`harness check`: the data checks alone, each data set for itself."""

import json

GAIN = "phang2020/tydiqa-english-gain"


def test_nothing_is_trained(cli, steer):
    """Four data sets are read, checked and compared; a line for each and for the comparison."""
    result = cli("check", GAIN, "--mirror", steer)
    assert (result.status, result.err) == (0, "")
    assert result.out.splitlines() == [
        "mini-tydiqa train: 1 passed, 0 warned, 0 noted",
        "mini-tydiqa validation: 1 passed, 0 warned, 0 noted",
        "mini-squad_v2 train: 1 passed, 0 warned, 0 noted",
        "mini-squad train: 1 passed, 0 warned, 0 noted",
        "contamination, 4 data sets: 1 passed, 0 warned, 0 noted",
    ]
    ran = (steer / "log").read_text("utf-8").split()
    assert sorted(ran) == sorted(4 * ["dataset", "checks", "examples"] + ["contamination"])


def test_a_run_takes_what_was_checked_from_the_store(cli, steer):
    """Same keys."""
    cli("check", GAIN, "--mirror", steer)
    assert "24 stages run, 13 from the store." in cli("reproduce", GAIN, "--mirror", steer).out


def test_every_unsound_data_set_is_named(cli, steer):
    """The first one hides nothing of the others; the comparison that rests on them isn't made."""
    (steer / "checks").write_text("DataError", encoding="utf-8")
    result = cli("check", GAIN, "--mirror", steer)
    assert result.status == 3
    lines = result.out.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        *("mini-tydiqa train", "mini-tydiqa validation", "mini-squad_v2 train", "mini-squad train"),
        "contamination, 4 data sets",
    ]
    assert all("INVALID: checks: got a fault" in line for line in lines[:4])
    assert lines[4].endswith("not compared, for a data set is INVALID")


def test_contamination_ends_with_3(cli, steer):
    """Here and in a run, which trains nothing."""
    (steer / "contamination").write_text("DataError", encoding="utf-8")
    assert cli("check", GAIN, "--mirror", steer).status == 3
    result = cli("reproduce", GAIN, "--mirror", steer)
    assert (result.status, "INVALID" in result.out) == (3, True)
    assert "finetune" not in (steer / "log").read_text("utf-8")


def test_json_is_one_document(cli, steer):
    """Findings by stage; failures with their parts."""
    document = json.loads(cli("check", GAIN, "--mirror", steer, "--json").out)
    stages = [one["stage"] for one in document["checked"]]
    assert stages == ["checks", "checks", "checks", "checks", "contamination"]
    assert document["checked"][4]["findings"][0]["by"] == "example"
    assert document["failed"] == []
    (steer / "contamination").write_text("DataError", encoding="utf-8")
    document = json.loads(
        cli("check", GAIN, "--mirror", steer, "--store", steer / "new", "--json").out
    )
    (failed,) = document["failed"]
    assert (failed["what"], failed["exit"]) == ("contamination 4 data sets", 3)


def test_a_missing_mirror_is_told_with_the_command_that_makes_one(cli):
    """Before anything is read."""
    result = cli("check", GAIN, "--profile", "small")
    assert result.status == 3
    assert f"Run `harness fetch {GAIN} --profile small --to DIR` once" in result.err
