"""How fast SASRec trains here, beside RecBole's; and what a growing catalogue costs.

    python -m benchmarks.training --sequences FILE --recbole-python PYTHON
    python -m benchmarks.training --growth

The first form needs a Python that has RecBole (`pip install recbole==1.2.1 torch==2.13.0` in an
environment of its own). Both sides get the same training events (each line less its last two
items), sizes, dropout, loss (cross entropy over all items), threads and number of sequences in a
batch, in turns, several times. What a sequence is differs: RecBole makes a row of each beginning of
a history, padded to the longest, and predicts one item from it; here a history is one row and
predicts at each of its positions. So there are two ratios: sequences (rows) a second, and
predictions a second, which is how much sooner one pass over the data is done.

The second form trains the same network on synthetic catalogues of 12,000, 120,000 and 1,200,000
items, each in a process of its own, with the full softmax and with a sampled one. Its seconds are
those of the processor, which other work on the machine does not lengthen.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from recs.ml.batches import BatchConfig, SequenceBatch, next_item_batches
from recs.ml.histories import Histories
from recs.ml.item_tables import ItemSideConfig, ItemTables
from recs.ml.sampling import ItemSampler
from recs.ml.seeding import array_generator, seed_everything
from recs.ml.trainer import FitConfig, FitReport, RunOptions, fit
from recs.ml.transformer import TransformerConfig
from recs.ml.user_model import UserModel, UserModelConfig, next_item_loss

RECBOLE = Path(__file__).with_name("recbole_sasrec.py")
IDS_ALONE = ItemSideConfig(use_content=False, use_attributes=False, use_codes=False, use_gate=False)
WARM_UP = 3
GROWTH = (12_000, 120_000, 1_200_000)
# Full softmax past this takes minutes a step and is not what would be used.
MOST_FULL = 120_000
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What both sides share; RecBole's own defaults for SASRec."""

    batch: int = 256
    longest: int = 50
    size: int = 64
    inner_size: int = 256
    layers: int = 2
    heads: int = 2
    dropout: float = 0.5
    steps: int = 20
    threads: int = 1
    device: str = "cpu"


@dataclass(slots=True)
class Timing:
    """Of each step after the first few: its seconds, rows and predictions."""

    seconds: list[float] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    predictions: list[int] = field(default_factory=list)
    clock: Callable[[], float] = time.perf_counter

    def rows_a_second(self) -> float:
        """Over all steps but the first few."""
        return sum(self.rows[WARM_UP:]) / sum(self.seconds[WARM_UP:])

    def predictions_a_second(self) -> float:
        """The same."""
        return sum(self.predictions[WARM_UP:]) / sum(self.seconds[WARM_UP:])

    def watch(self, batches: Iterator[SequenceBatch]) -> Iterator[SequenceBatch]:
        """The same batches; the time from one to the next, making it included, is kept."""
        before = self.clock()
        for batch in batches:
            self.rows.append(len(batch))
            self.predictions.append(batch.terms)
            yield batch
            now = self.clock()
            self.seconds.append(now - before)
            before = now


def main() -> None:
    """Measure what was asked for and print it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--sequences", type=Path)
    parser.add_argument("--recbole-python", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=Sizes().steps)
    parser.add_argument("--batch", type=int, default=Sizes().batch)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--grown", help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    sizes = Sizes(batch=args.batch, steps=args.steps, threads=args.threads, device=args.device)
    if args.grown:
        items, samples = map(int, args.grown.split(","))
        print(json.dumps(measure_grown(items, samples, sizes)))
    elif args.growth:
        report_growth(sizes)
    elif args.sequences and args.recbole_python:
        report_throughput(args.sequences, args.recbole_python, args.rounds, sizes)
    else:
        parser.error("give --sequences and --recbole-python, or --growth")


def report_throughput(sequences: Path, python: Path, rounds: int, sizes: Sizes) -> None:
    """Both sides in turns; medians and their ratios."""
    histories, item_count = read_histories(sequences)
    sides: dict[str, list[Timing]] = {"RecBole": [], "fp32": [], "auto": []}
    for _ in range(rounds):
        sides["RecBole"].append(time_recbole(sequences, python, sizes))
        for precision in ("fp32", "auto"):
            sides[precision].append(time_ours(histories, item_count, precision, sizes))
    print(f"{sizes.threads} threads, {sizes.device}, batches of {sizes.batch} sequences, {sizes}")
    rates = {name: _median_rates(timings) for name, timings in sides.items()}
    for name, (rows, predictions) in rates.items():
        against = rows / rates["RecBole"][0], predictions / rates["RecBole"][1]
        print(
            f"{name:8} {rows:9.0f} sequences/s ({against[0]:.2f}x)"
            f" {predictions:9.0f} predictions/s ({against[1]:.2f}x)"
        )


def _median_rates(timings: list[Timing]) -> tuple[float, float]:
    rows = [timing.rows_a_second() for timing in timings]
    predictions = [timing.predictions_a_second() for timing in timings]
    return float(np.median(rows)), float(np.median(predictions))


def time_recbole(sequences: Path, python: Path, sizes: Sizes) -> Timing:
    """Some steps of RecBole's, in its own Python."""
    settings = json.dumps(asdict(sizes))
    command = [str(python), str(RECBOLE), str(sequences), settings]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"RecBole did not run:\n{done.stderr}")
    found = json.loads(done.stdout.splitlines()[-1])
    return Timing(found["seconds"], found["rows"], found["rows"])


def time_ours(histories: Histories, item_count: int, precision: str, sizes: Sizes) -> Timing:
    """Some steps of `fit`."""
    timing, counts = Timing(), histories.counts(item_count)
    batching = BatchConfig(longest=sizes.longest, batch_size=sizes.batch)

    def batches(epoch: int) -> Iterator[SequenceBatch]:
        for again in range(sizes.steps):
            for batch in next_item_batches(histories, batching, epoch=again):
                if len(timing.rows) == sizes.steps:
                    return
                yield batch

    run_fit(make_net(counts, sizes), timing.watch(batches(0)), 0, precision, sizes)
    return timing


def run_fit(
    net: UserModel, batches: Iterator[SequenceBatch], samples: int, precision: str, sizes: Sizes
) -> FitReport:
    """One epoch of these batches."""
    sampler = ItemSampler(net.items.counts.numpy()) if samples else None
    return fit(
        net,
        loss=next_item_loss(sampler=sampler, samples=samples),
        batches=lambda epoch: batches,
        config=FitConfig(epochs=1, batch_size=sizes.batch, precision=precision),
        options=RunOptions(device=sizes.device),
    )


def make_net(counts: Ints, sizes: Sizes) -> UserModel:
    """SASRec of these sizes: items are their own embeddings and nothing else."""
    seed_everything(0)
    rows = len(counts)
    tables = ItemTables(
        content=np.zeros((rows, 0), np.float32),
        codes=np.zeros((rows, 0), np.int64),
        code_sizes=(),
        attribute_offsets=np.zeros(rows + 1, np.int64),
        attribute_values=np.zeros(0, np.int64),
        attributes=0,
        counts=counts,
    )
    body = TransformerConfig(
        embedding_size=sizes.size,
        layers=sizes.layers,
        heads=sizes.heads,
        widening=sizes.inner_size // sizes.size,
        dropout=sizes.dropout,
    )
    config = UserModelConfig(
        body=body, items=IDS_ALONE, longest=sizes.longest, use_kinds=False, use_gaps=False
    )
    return UserModel(config, tables)


def read_histories(sequences: Path) -> tuple[Histories, int]:
    """Each line less its last two items, and the number of items in all lines."""
    lines = [line.split()[1:] for line in sequences.read_text(encoding="utf-8").splitlines()]
    rows: dict[str, int] = {}
    lists = [[rows.setdefault(item, len(rows) + 1) for item in line] for line in lines]
    return Histories.of_lists([row[:-2] for row in lists if len(row) > 2]), len(rows)


def report_growth(sizes: Sizes) -> None:
    """A line for each catalogue and softmax."""
    print("   items   softmax  CPU s a step  peak MiB")
    for items in GROWTH:
        for samples in (0, 8192):
            if samples or items <= MOST_FULL:
                command = [sys.executable, "-m", "benchmarks.training", "--grown"]
                command += [f"{items},{samples}", "--threads", str(sizes.threads)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                found = json.loads(done.stdout)
                kind = f"{samples:,}" if samples else "full"
                print(f"{items:8} {kind:>9} {found['seconds']:13.3f} {found['peak_mib']:9.0f}")


def measure_grown(items: int, samples: int, sizes: Sizes) -> dict[str, float]:
    """CPU seconds of a step and the process's most memory, for a synthetic catalogue."""
    random = array_generator(0)
    # Popularity as it is: a few items have most of the events.
    drawn = np.minimum(items, 1 + (items * random.random((sizes.batch, 7)) ** 3).astype(np.int64))
    histories = Histories.of_lists(drawn.tolist())
    batch = next(iter(next_item_batches(histories, BatchConfig(batch_size=sizes.batch), epoch=0)))
    timing = Timing(clock=time.process_time)
    net = make_net(histories.counts(items), sizes)
    run_fit(net, timing.watch(iter([batch] * (WARM_UP + 5))), samples, "auto", sizes)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": float(np.median(timing.seconds[WARM_UP:])), "peak_mib": peak}


if __name__ == "__main__":
    main()
