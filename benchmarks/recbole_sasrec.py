"""Seconds of training steps of RecBole's SASRec; run by a Python that has RecBole.

    PYTHON recbole_sasrec.py SEQUENCES CONFIG_JSON

Called by benchmarks.training; imports nothing of this project. Prints one JSON object.
"""

import json
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

import numpy as np
import torch

# What RecBole 1.2.1, written for NumPy 1, still asks NumPy 2 for.
NUMPY_1_NAMES = {
    "float_": np.float64,
    "complex_": np.complex128,
    "unicode_": np.str_,
    "object": object,
    "float": float,
    "int": int,
}


def main() -> None:
    """Train for some steps as RecBole's trainer does and tell how long each took."""
    sequences, settings = Path(sys.argv[1]), json.loads(sys.argv[2])
    torch.set_num_threads(settings["threads"])
    for name, kind in NUMPY_1_NAMES.items():
        setattr(np, name, kind)
    from recbole.data import create_dataset, data_preparation
    from recbole.model.sequential_recommender import SASRec

    with tempfile.TemporaryDirectory() as folder:
        write_interactions(sequences, Path(folder) / "bench" / "bench.inter")
        config = recbole_config(folder, settings)
        dataset = create_dataset(config)
        batches, _, _ = data_preparation(config, dataset)
    net = SASRec(config, batches.dataset).to(config["device"])
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    net.train()
    seconds, rows = [], []
    before = time.perf_counter()
    for batch in islice(batches, settings["steps"]):
        rows.append(len(batch))
        optimizer.zero_grad()
        net.calculate_loss(batch.to(config["device"])).backward()
        optimizer.step()
        now = time.perf_counter()
        seconds.append(now - before)
        before = now
    print(json.dumps({"rows_of_an_epoch": len(batches.dataset), "rows": rows, "seconds": seconds}))


def write_interactions(sequences: Path, target: Path) -> None:
    """The sequences in RecBole's format, the place in the history as the time."""
    target.parent.mkdir()
    with target.open("w", encoding="utf-8") as file:
        file.write("user_id:token\titem_id:token\ttimestamp:float\n")
        for line in sequences.read_text(encoding="utf-8").splitlines():
            user, *items = line.split()
            file.writelines(f"{user}\t{item}\t{place}\n" for place, item in enumerate(items))


def recbole_config(folder: str, settings: dict):
    """RecBole's own defaults for SASRec, but for the sizes that both sides share."""
    from recbole.config import Config

    return Config(
        model="SASRec",
        dataset="bench",
        config_dict={
            "data_path": folder,
            "USER_ID_FIELD": "user_id",
            "ITEM_ID_FIELD": "item_id",
            "TIME_FIELD": "timestamp",
            "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
            "MAX_ITEM_LIST_LENGTH": settings["longest"],
            "hidden_size": settings["size"],
            "inner_size": settings["inner_size"],
            "n_layers": settings["layers"],
            "n_heads": settings["heads"],
            "hidden_dropout_prob": settings["dropout"],
            "attn_dropout_prob": settings["dropout"],
            "loss_type": "CE",
            "train_neg_sample_args": None,
            "train_batch_size": settings["batch"],
            "eval_args": {
                "split": {"LS": "valid_and_test"},
                "order": "TO",
                "group_by": "user",
                "mode": "full",
            },
            "use_gpu": settings["device"] == "cuda",
            "state": "ERROR",
            "show_progress": False,
        },
    )


if __name__ == "__main__":
    main()
