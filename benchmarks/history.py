"""The figures of earlier runs: history.jsonl, a plot of it, a table of the newest.

python benchmarks/history.py    # draw and write again
"""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FILE = HERE / "history.jsonl"
DOCS = HERE.parent / "docs"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"

# Name -> what it says, whether more is better, and what it should reach.
FIGURES: dict[str, tuple[str, bool, float | None]] = {
    "train_vs_default": ("training, times the Trainer at default settings", True, 12),
    "train_vs_best": ("training, times the Trainer at its best settings", True, 4),
    "train_vs_products": ("training, share of the bf16 products' own rate", True, 0.5),
    "train_vs_products_fp32": ("training, times the fp32 products' own rate", True, None),
    "memory_vs_default": ("training's peak memory, share of the Trainer's at default", False, 0.35),
    "memory_vs_best": ("training's peak memory, share of the Trainer's at its best", False, 0.35),
    "predict_vs_best": ("prediction, times `Trainer.predict` at its best settings", True, 3),
    "decode_vs_loop": ("decoding and scoring 5,000 questions, times the n-best loop", True, 20),
    "plan_10000": ("planning 10,000 stages, before equal ones are merged, seconds", False, 2),
    "plan_10000_merged": ("planning until 10,000 different stages, seconds", False, None),
    "plan_paper": ("plan of the whole paper, seconds", False, 1),
    "store_full_vs_empty": (
        "store put, get and verify at 100,000 artifacts, times empty",
        False,
        2,
    ),
    "trim_rows": ("rows of the word embedding that are trained, share", False, None),
    "trim_memory_gib": (
        "memory that trimming saves (weights, gradients, moments), GiB",
        True,
        None,
    ),
    "trim_optimiser": ("optimiser step, full table's time over trimmed table's", True, None),
    "side_by_side": ("two trainings side by side: time over one by one", False, 1),
    "side_by_side_one_thread": (
        "the same with one thread each in place of two",
        False,
        None,
    ),
    "tokens_linear": ("share of a step's time that a line in its tokens explains (R²)", True, None),
    "vocabulary": (
        "step with twice the vocabulary in the encoder, over the step with it",
        False,
        None,
    ),
    "ours_tokens_per_second": ("training, real tokens per second", True, None),
    "default_tokens_per_second": (
        "Trainer at default settings, real tokens per second",
        True,
        None,
    ),
    "best_tokens_per_second": ("Trainer at its best settings, real tokens per second", True, None),
    "products_tokens_per_second": ("bf16 products alone, real tokens per second", True, None),
    "ours_gib": ("training, peak memory, GiB", False, None),
    "default_gib": ("Trainer at default settings, peak memory, GiB", False, None),
    "best_gib": ("Trainer at its best settings, peak memory, GiB", False, None),
    "predict_tokens_per_second": ("prediction, real tokens per second", True, None),
}


def append(found: dict[str, float]) -> None:
    """Add a run, then draw and write anew."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    day = datetime.now(UTC).date().isoformat()  # noqa: TID251 - a log of runs, not a result
    run = {"day": day, "commit": commit, "machine": _machine(), "figures": found}
    with FILE.open("a", encoding="utf-8") as file:
        file.write(json.dumps(run, sort_keys=True) + "\n")
    publish()


def publish() -> None:
    """Write docs/performance.svg and the table in docs/performance.md."""
    runs = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
    _plot(runs)
    path = DOCS / "performance.md"
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    path.write_text(f"{before}{BEGIN}\n\n{_table(runs)}\n\n{END}{after}", encoding="utf-8")


def _machine() -> str:
    from harness.provenance import cpu_model

    return str(cpu_model())


def _newest(runs: list[dict[str, Any]]) -> dict[str, tuple[float, str]]:
    """Name -> newest figure and its day; a run may have measured only some."""
    return {name: (x, run["day"]) for run in runs for name, x in run["figures"].items()}


def _table(runs: list[dict[str, Any]]) -> str:
    lines = ["| what | measured | aim | day |", "|---|---|---|---|"]
    found = _newest(runs)
    for name, (words, more, aim) in FIGURES.items():
        if name in found:
            value, day = found[name]
            wanted = "" if aim is None else f"{'≥' if more else '≤'} {aim:g}"
            lines.append(f"| {words} | {value:.3g} | {wanted} | {day} |")
    return "\n".join(lines)


def _plot(runs: list[dict[str, Any]]) -> None:
    """Each figure with an aim, as a multiple of the aim: above the line is better."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "performance"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 5), layout="constrained")
    for name, (words, more, aim) in FIGURES.items():
        points = [(i, run["figures"][name]) for i, run in enumerate(runs) if name in run["figures"]]
        if aim is None or not points:
            continue
        heights = [value / aim if more else aim / value for _, value in points]
        axes.plot([i for i, _ in points], heights, marker="o", label=words)
    axes.axhline(1.0, color="black", linewidth=0.8)
    axes.set_yscale("log")
    axes.set_ylabel("measured, as a multiple of the aim (more is better)")
    axes.set_xticks(range(len(runs)), [run["day"] for run in runs], rotation=45, ha="right")
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.savefig(DOCS / "performance.svg", metadata={"Date": None})
    pyplot.close(figure)


def plot_tokens(tokens: Any, seconds: Any) -> None:
    """Time of a training step against its tokens, with the line through the points."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "performance"
    import numpy as np
    from matplotlib import pyplot

    slope, start = np.polyfit(tokens, seconds, 1)
    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    axes.plot(tokens, seconds, "o")
    axes.plot([0, max(tokens)], [start, start + slope * max(tokens)])
    axes.set_xlabel("real tokens in a training step")
    axes.set_ylabel("seconds")
    axes.set_ylim(0)
    figure.savefig(DOCS / "performance-tokens.svg", metadata={"Date": None})
    pyplot.close(figure)


if __name__ == "__main__":
    publish()
