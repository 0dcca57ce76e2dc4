"""One side of a comparison in a process of its own: `sides.py NAME ENCODER DEVICE`.

It waits for lines on its standard input, does one round of work for each and answers with a line
of JSON: real tokens, seconds, processor seconds, and the process's peak memory so far. The other
sides stand still meanwhile, so that rounds of several sides can take turns on one machine.
"""

from __future__ import annotations

import importlib
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
THREADS = 2
DEVICE = sys.argv[3] if len(sys.argv) > 3 else "cpu"
GPU = DEVICE != "cpu"
_MANY = {"ours": 60, "trainer_default": 20, "trainer_best": 20}
_FEW = {"ours": 6, "trainer_default": 1, "trainer_best": 4}
STEPS = _MANY if GPU else _FEW  # in a round
ROUNDS = 5
WINDOWS = 2048 if GPU else 128  # predicted in a round
SIZES = (4, 8, 16, 32, 64)  # windows in a batch


class Side:
    """The handle on a side, in the process that compares."""

    def __init__(self, name: str, encoder: Path, device: str = "cpu") -> None:
        """Start it, and have it do its warm-up."""
        self.name = name
        self.rounds: list[dict[str, float]] = []
        self._process = subprocess.Popen(
            [sys.executable, HERE / "sides.py", name, encoder, device],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._ask()

    def round(self) -> dict[str, float]:
        """One round's figures, kept in `rounds` too."""
        self.rounds.append(self._ask())
        return self.rounds[-1]

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def rates(self) -> list[float]:
        """Real tokens per second, round by round."""
        return [one["tokens"] / one["seconds"] for one in self.rounds]

    def peak(self) -> float:
        """Most memory that was ever resident, in GiB."""
        return max(one["peak"] for one in self.rounds)

    def begin(self) -> None:
        """Have it begin a round; `end` waits for it."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def end(self) -> None:
        """Wait for the round that `begin` began, and keep its figures."""
        self.rounds.append(self._answer())

    def _ask(self) -> dict[str, float]:
        self.begin()
        return self._answer()

    def _answer(self) -> dict[str, float]:
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"side {self.name} ended with {self._process.wait()}")
        figures: dict[str, float] = json.loads(answer)
        return figures


class Rounds:
    """The other end: told of every step, it stands still after each round."""

    def __init__(self, size: int) -> None:
        """A round is `size` steps; the first is the warm-up."""
        self.size = size
        self.out = sys.stdout
        sys.stdout = sys.stderr  # what a library prints must not stand between the answers
        self.steps = self.tokens = 0
        self.begin()

    def begin(self) -> None:
        """Wait for the word, and start the clock."""
        if not sys.stdin.readline():
            sys.exit()
        self.started, self.worked = time.perf_counter(), time.process_time()

    def step(self, tokens: int) -> None:
        """A step over so many real tokens is done."""
        self.steps += 1
        self.tokens += tokens
        if self.steps % self.size == 0:
            self._answer()
            self.tokens = 0
            self.begin()

    def _answer(self) -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        if GPU:
            import torch

            torch.cuda.synchronize()
            # What a CUDA graph works on counts as held, though not as allocated.
            peak = torch.cuda.max_memory_reserved() / 2**30
        figures = {
            "tokens": self.tokens,
            "seconds": time.perf_counter() - self.started,
            "cpu_seconds": time.process_time() - self.worked,
            "peak": peak,
        }
        print(json.dumps(figures), file=self.out, flush=True)


def ours(encoder: Path) -> None:
    """The training loop as the stage `finetune` calls it: trimmed, packed, bf16, dropout on."""
    _ours(encoder)


def ours_recorded(encoder: Path) -> None:
    """The same with recorded layers: what a GPU gets without a C compiler."""
    _ours(encoder, recorded=True)


def ours_compiled(encoder: Path) -> None:
    """The same with compiled layers, not recorded."""
    _ours(encoder, compiled=True)


def ours_both(encoder: Path) -> None:
    """The same with compiled and recorded layers: what a GPU gets in a training of many steps."""
    _ours(encoder, compiled=True, recorded=True)


def ours_one_thread(encoder: Path) -> None:
    """The same with one thread."""
    _ours(encoder, threads=1)


def ours_wide(encoder: Path) -> None:
    """The same with an encoder of twice the vocabulary."""
    _ours(encoder, vocabulary=2)


def ours_sizes(encoder: Path) -> None:
    """The same with a batch of another size in each round, `SIZES` in turn."""
    _ours(encoder, sizes=SIZES)


def _ours(
    encoder: Path,
    *,
    threads: int = THREADS,
    vocabulary: int = 1,
    sizes: tuple[int, ...] = (),
    compiled: bool = False,
    recorded: bool = False,
) -> None:
    import material
    import numpy as np
    import torch

    from harness.stages.contract import Silent
    from harness.tasks import extractive_qa
    from harness.training.batching import Course, collate
    from harness.training.loop import train

    features = material.windows(encoder, material.questions("train"), training=True)
    model, features = _trimmed(encoder, features, threads, vocabulary)
    if compiled:
        from harness.training.compiled import compile_layers

        assert compile_layers(model, "bf16", 10_000)
    if recorded:
        from harness.training.recorded import record_layers

        assert record_layers(model, 10_000)
    index = list(material.batches(features, STEPS["ours"]))
    if sizes:
        flat = material.batches(features, max(sizes) // material.BATCH).reshape(-1)
        index = [flat[:: max(sizes) // size] for size in sizes]
    rounds = Rounds(1 if sizes else STEPS["ours"])

    def steps() -> Iterator[tuple[Any, ...]]:
        while True:
            for one in index:
                batch = collate(features, one)
                yield (batch,)
                rounds.step(len(batch.ids))

    def loss(batch: Any) -> torch.Tensor:
        return extractive_qa.loss(model(batch), features, np.asarray(batch.index))

    course = Course(steps=10_000, after=lambda _: steps(), draws=model.draws)
    train(model, course, loss, material.TRAINING, precision="bf16", progress=Silent())


def _trimmed(encoder: Path, features: Any, threads: int, vocabulary: int) -> tuple[Any, Any]:
    from dataclasses import replace

    import numpy as np
    import torch

    from harness.training.heads import new_head
    from harness.training.model import TokenModel, load_encoder, prepare_dropout
    from harness.training.seeding import deterministic
    from harness.training.weights import embedding, trim

    deterministic(threads, torch.device(DEVICE))
    loaded: Any = load_encoder(encoder)
    if vocabulary > 1:
        rows = embedding(loaded).weight.detach().repeat(vocabulary, 1)
        pad = embedding(loaded).padding_idx
        loaded.set_input_embeddings(
            torch.nn.Embedding.from_pretrained(rows, freeze=False, padding_idx=pad)
        )
    remap = trim(loaded, np.unique(np.append(features.ids, loaded.config.pad_token_id)))
    model = TokenModel(loaded, [new_head("token", 2, loaded.config, 0)]).to(DEVICE)
    prepare_dropout(model, 0)
    return model, replace(features, ids=remap[features.ids])


def trainer_default(encoder: Path) -> None:
    """Transformers' Trainer as the example script sets it up: fp32, padded to 384 tokens."""
    import peer

    peer.train(encoder, best=False, steps=STEPS["trainer_default"], rounds=ROUNDS)


def trainer_best(encoder: Path) -> None:
    """Transformers' Trainer at its best: bf16, padded to the batch's longest, grouped by length."""
    import peer

    peer.train(encoder, best=True, steps=STEPS["trainer_best"], rounds=ROUNDS)


def ours_predict(encoder: Path) -> None:
    """Logits as the stage `predict` makes them: packed, in batches of similar length, bf16."""
    import material
    import torch

    from harness.stages.contract import Silent
    from harness.training.batching import collate
    from harness.training.heads import new_head
    from harness.training.infer import all_logits
    from harness.training.model import TokenModel, load_encoder
    from harness.training.seeding import deterministic

    deterministic(THREADS, torch.device(DEVICE))
    loaded = load_encoder(encoder)
    model = TokenModel(loaded, [new_head("token", 2, loaded.config, 0)]).to(DEVICE)
    features = material.windows(encoder, material.questions("validation"), training=False)
    batch = collate(features, material.batches(features, WINDOWS // material.BATCH).reshape(-1))
    chosen = material.Chosen(batch)
    rounds = Rounds(1)
    while True:
        all_logits(model, chosen, precision="bf16", progress=Silent())
        rounds.step(len(batch.ids))


def trainer_predict(encoder: Path) -> None:
    """`Trainer.predict` at its best: bf16 weights, sorted by length, padded to the batch's."""
    import peer

    peer.predict(encoder, WINDOWS)


def products(encoder: Path) -> None:
    """The bf16 products of a training step and nothing else: what the machine could do."""
    _products(encoder, "bfloat16")


def products_fp32(encoder: Path) -> None:
    """The same in float32."""
    _products(encoder, "float32")


def _products(encoder: Path, kind: str) -> None:
    import material
    import numpy as np
    import roofline
    import torch

    torch.set_num_threads(THREADS)
    features = material.windows(encoder, material.questions("train"), training=True)
    index = material.batches(features, STEPS["ours"])
    step = roofline.Step(encoder, getattr(torch, kind), DEVICE)
    lengths = np.diff(features.bounds)
    prepared = [(int(lengths[one].sum()), step.operands(lengths[one])) for one in index]
    rounds = Rounds(2)
    while True:
        for tokens, operands in prepared:
            step.run(operands)
            rounds.step(tokens)


SIDES: dict[str, Callable[[Path], None]] = {
    one.__name__: one
    for one in (
        ours,
        ours_recorded,
        ours_compiled,
        ours_both,
        ours_one_thread,
        ours_wide,
        ours_sizes,
        trainer_default,
        trainer_best,
        ours_predict,
        trainer_predict,
        products,
        products_fp32,
    )
}

if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))
    if sys.argv[1].startswith("ours"):
        # As a stage's process does, before torch is there: OpenMP's threads aren't to spin.
        importlib.import_module("harness.worker")
    SIDES[sys.argv[1]](Path(sys.argv[2]))
