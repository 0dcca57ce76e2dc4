"""Tiny tasks of every family, and a bench that trains and predicts on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stage_runs import run_stage
from tiny_encoder import WORDS, tiny_tokenizer, write_tiny_encoder

from harness.canonical import file_sha256
from harness.records import (
    ChoiceExample,
    PairExample,
    QaExample,
    Sentence,
    TagExample,
    TextExample,
    write_rows,
)

OPTIMISER = {
    "learning_rate": 0.01,
    "warmup": {"fraction": 0.1},
    "weight_decay": 0.01,
    "decay_exempt": ["bias", "LayerNorm"],
    "adam_epsilon": 1e-8,
    "clip_norm": 1.0,
}
TRAINING = {**OPTIMISER, "epochs": 2, "batch_size": 4, "accumulation": 1}
WINDOWS = {"max_length": 32, "doc_stride": 8, "max_query_length": 6}
ANSWERS = {**WINDOWS, "max_answer_length": 4, "n_best": 5}
SHORT = {"max_length": 32}
TAGS = {**SHORT, "long_sentences": "split"}
MULTI = {**OPTIMISER, "sampling": "proportional", "heads": "task"}
MASKED = {**TRAINING, "max_length": 16, "mask_share": 0.15}
RETRIEVAL = {**SHORT, "pooling": "mean", "layer": 1, "neighbours": 2, "search": "nearest"}
LABELS = ["cold", "warm"]


def part(family: str = "extractive_qa", labels: Any = (), **changes: Any) -> dict[str, Any]:
    """A task in the configuration of a training."""
    own = {"extractive_qa": WINDOWS, "tagging": TAGS}.get(family, SHORT)
    named = labels if isinstance(labels, str) else list(labels)
    return {"family": family, "settings": {**TRAINING, **own, **changes}, "labels": named}


def questions(count: int, language: str = "en", salt: int = 0) -> list[QaExample]:
    """Questions after one of the words of a text of 30 or so; the answer follows "king"."""
    rows = []
    for i in range(count):
        words = [WORDS[(i * 7 + j * (salt + 3)) % len(WORDS)] for j in range(20 + i % 12)]
        words = [word for word in words if word != "king"]
        place = (i * 5) % (len(words) - 1)
        words.insert(place, "king")
        start = len(" ".join(words[: place + 1])) + 1
        rows.append(
            QaExample(
                id=f"{language}-{i}",
                language=language,
                document=f"{language}-{i // 2}",
                context=" ".join(words),
                question="which is the king",
                answers=(words[place + 1],),
                answer_starts=(start,),
            )
        )
    return rows


def _facts(i: int, language: str = "en") -> dict[str, str]:
    return {"id": f"{language}-{i}", "language": language, "document": f"{language}-{i}"}


def pairs(count: int) -> list[PairExample]:
    """Texts that hold "winter" are cold, those with "summer" are warm."""
    rows = []
    for i in range(count):
        season, label = (("winter", "cold"), ("summer", "warm"))[i % 2]
        first = f"{WORDS[i % 20]} {season} {WORDS[(i * 3) % 20]}"
        rows.append(PairExample(**_facts(i), first=first, second="is", label=label))
    return rows


def choices(count: int) -> list[ChoiceExample]:
    """Two or three choices; "green" is always right."""
    rows = []
    for i in range(count):
        offered = ["red", "blue"][: 1 + i % 2]
        offered.insert(i % (len(offered) + 1), "green")
        rows.append(
            ChoiceExample(
                **_facts(i),
                context=f"{WORDS[i % 20]} {WORDS[(i * 3) % 20]}",
                question="which",
                choices=tuple(offered),
                label=offered.index("green"),
            )
        )
    return rows


def tagged(count: int) -> list[TagExample]:
    """Colours have a tag of their own."""
    rows = []
    for i in range(count):
        words = [WORDS[(i * 5 + j * 7) % len(WORDS)] for j in range(4 + i % 5)]
        tags = ["COLOUR" if word in ("red", "blue", "green") else "WORD" for word in words]
        rows.append(TagExample(**_facts(i), words=tuple(words), tags=tuple(tags)))
    return rows


def sentences(count: int, language: str) -> list[Sentence]:
    """A bitext whose two sides are the same words."""
    rows = []
    for i in range(count):
        text = f"{WORDS[i]} {WORDS[(i * 7 + 3) % len(WORDS)]} {WORDS[(i * 5 + 1) % len(WORDS)]}"
        for side, other in (("foreign", "english"), ("english", "foreign")):
            rows.append(
                Sentence(
                    id=f"{language}-{side}-{i}",
                    language=language,
                    document=f"{language}-{i}",
                    side=side,  # type: ignore[arg-type]
                    text=text,
                    mates=(f"{language}-{other}-{i}",),
                )
            )
    return rows


def texts(count: int) -> list[TextExample]:
    """Running text in two languages."""
    return [
        TextExample(**_facts(i, ("de", "en")[i % 2]), text=" ".join(WORDS[i % 9 :]))
        for i in range(count)
    ]


class Bench:
    """Runs stages in a temporary folder."""

    def __init__(self, root: Path) -> None:
        """Write the encoder; its tokenizer has a mask, in one of the spare rows."""
        self.root = root
        self.around: dict[str, Any] = {}
        """Where the next stages keep checkpoints, and who watches; see `run_stage`."""
        self.encoder = write_tiny_encoder(root / "encoder")
        tokenizer = tiny_tokenizer()
        tokenizer.add_special_tokens(["<mask>"])
        tokenizer.save(str(self.encoder / "tokenizer.json"))

    def data(self, name: str, rows: list[Any]) -> Path:
        """A finished `examples` artifact."""
        (self.root / name).mkdir()
        write_rows(self.root / name / "examples.jsonl", rows)
        return self.root / name

    def train(
        self,
        name: str,
        parts: list[tuple[dict[str, Any], list[Path]]],
        *,
        stage: str = "finetune",
        mix: dict[str, Any] | None = None,
        text: Path | None = None,
        intermediate: Path | None = None,
        seed: int = 0,
        precision: str = "fp32",
    ) -> Path:
        """Run a training stage on parts and their examples; returns the folder that it wrote."""
        inputs = {"encoder": self.encoder}
        for place, (_, folders) in enumerate(parts):
            inputs |= {f"examples/{place}/{n}": folder for n, folder in enumerate(folders)}
        inputs |= {"text/0": text} if text else {}
        inputs |= {"intermediate": intermediate} if intermediate else {}
        numerics = {"seed": seed, "precision": precision, "threads": 1}
        config = {"parts": [one for one, _ in parts], "mix": mix, **numerics}
        return run_stage(stage, self.root / name, config, inputs, **self.around)

    def predict(
        self,
        name: str,
        examples: Path,
        family: str = "extractive_qa",
        settings: dict[str, Any] | None = None,
        labels: Any = (),
        precision: str = "fp32",
        **inputs: Path,
    ) -> Path:
        """Run prediction; returns the folder that it wrote."""
        config = {
            "family": family,
            "settings": ANSWERS if settings is None else settings,
            "labels": labels if isinstance(labels, str) else list(labels),
            "no_answer": False,
            "precision": precision,
            "threads": 1,
        }
        inputs = {"encoder": self.encoder, "examples": examples, **inputs}
        return run_stage("predict", self.root / name, config, inputs, **self.around)


def digests(folder: Path) -> dict[str, str]:
    """Relative path -> sha256 of every file."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): file_sha256(path) for path in files}


def with_data(folder: Path) -> Bench:
    """A bench with data of several tasks: `questions`, `pairs`, `tags` and `text`."""
    made = Bench(folder)
    made.questions = made.data("questions", questions(10))
    made.pairs = made.data("pairs", pairs(12))
    made.tags = made.data("tags", tagged(12))
    made.text = made.data("text", texts(20))
    return made
