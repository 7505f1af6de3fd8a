import dataclasses
import hashlib
import json

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from recs.ml import artifacts, sealed
from recs.ml.artifacts import Artifact, load_artifact, save_artifact
from recs.ml.errors import ArtifactError, CannotWrite
from recs.ml.vocabulary import Vocabulary
from tests.recs.ml.test_sealed import files_no_longer_than


@pytest.fixture
def artifact():
    return Artifact(
        config={"embedding_size": 2, "name": "tiny"},
        tensors={
            "table": torch.arange(6, dtype=torch.float32).view(3, 2).requires_grad_(),
            "codes": np.array([[1, 2], [3, 4]], np.int64),
            "turned": np.arange(6, dtype=np.float32).reshape(2, 3).T,
        },
        vocabulary=Vocabulary(("a", "ü-2")),
        metrics={"ndcg@10": 0.0613},
        card="# A network\n",
        provenance={"as_of": "2024-01-01T00:00:00+00:00", "seed": 3},
    )


def test_everything_comes_back(tmp_path, artifact):
    digest = save_artifact(tmp_path / "v1", artifact)
    loaded = load_artifact(tmp_path / "v1", expect_sha256=digest)
    assert loaded.config == artifact.config
    assert loaded.vocabulary == artifact.vocabulary
    assert loaded.metrics == artifact.metrics
    assert loaded.card == artifact.card
    assert loaded.tensors["table"].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert loaded.tensors["table"].dtype == np.float32
    assert loaded.tensors["codes"].dtype == np.int64
    assert np.array_equal(loaded.tensors["turned"], artifact.tensors["turned"])
    assert loaded.provenance["seed"] == 3
    assert loaded.provenance["libraries"]["numpy"] == np.__version__
    with pytest.raises(ValueError, match="read-only"):
        loaded.tensors["table"][0] = 1


def test_the_same_content_has_the_same_hash(tmp_path, artifact):
    assert save_artifact(tmp_path / "a", artifact) == save_artifact(tmp_path / "b", artifact)
    other = dataclasses.replace(artifact, metrics={"ndcg@10": 0.07})
    assert save_artifact(tmp_path / "c", other) != save_artifact(tmp_path / "d", artifact)


@pytest.mark.parametrize("name", sorted(artifacts._FILES))
def test_no_file_may_change_or_be_missing(tmp_path, artifact, name):
    save_artifact(tmp_path / "v1", artifact)
    path = tmp_path / "v1" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ArtifactError, match="files changed"):
        load_artifact(tmp_path / "v1")
    path.unlink()
    with pytest.raises(ArtifactError, match="incomplete"):
        load_artifact(tmp_path / "v1")


def test_another_version_in_its_place_is_refused(tmp_path, artifact):
    digest = save_artifact(tmp_path / "a", artifact)
    save_artifact(tmp_path / "b", dataclasses.replace(artifact, card="# Another\n"))
    with pytest.raises(ArtifactError, match="another manifest"):
        load_artifact(tmp_path / "b", expect_sha256=digest)


def resealed(place, name, content) -> None:
    """Change a file and its hash, as a careful forger or an older program would."""
    path = place / name
    path.write_bytes(content)
    manifest = json.loads((place / sealed.MANIFEST).read_text())
    manifest["sha256"][name] = hashlib.sha256(content).hexdigest()
    (place / sealed.MANIFEST).write_text(json.dumps(manifest))


def test_an_unknown_schema_is_refused_by_its_number(tmp_path, artifact):
    save_artifact(tmp_path / "v1", artifact)
    payload = json.loads((tmp_path / "v1" / "config.json").read_text())
    resealed(tmp_path / "v1", "config.json", json.dumps({**payload, "schema_version": 9}).encode())
    with pytest.raises(ArtifactError, match="schema 9, known is 1"):
        load_artifact(tmp_path / "v1")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b"{}"),
        ("config.json", b"not json"),
        ("item_ids.json", b'["a", "b"]'),
        ("item_ids.json", b'["a", "a"]'),
        ("tensors.safetensors", b"\x08\x00\x00\x00\x00\x00\x00\x00{       "),
        ("metrics.json", b"\xff"),
    ],
)
def test_files_that_do_not_belong_together_are_refused(tmp_path, artifact, name, content):
    save_artifact(tmp_path / "v1", artifact)
    resealed(tmp_path / "v1", name, content)
    with pytest.raises(ArtifactError):
        load_artifact(tmp_path / "v1")


def test_a_sealed_folder_of_something_else_is_no_artifact(tmp_path):
    def write(folder):
        save_file({"x": np.zeros(1)}, folder / "tensors.safetensors")

    sealed.seal(tmp_path / "v1", write, about={"provenance": {}})
    with pytest.raises(ArtifactError, match="lacks"):
        load_artifact(tmp_path / "v1")


def test_weights_that_are_not_finite_are_not_saved(tmp_path, artifact):
    bad = {**artifact.tensors, "table": torch.tensor([1.0, float("nan")])}
    with pytest.raises(ArtifactError, match="table holds numbers that are not finite"):
        save_artifact(tmp_path / "v1", dataclasses.replace(artifact, tensors=bad))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_no_version(tmp_path, artifact):
    large = dataclasses.replace(artifact, tensors={"table": np.zeros((1000, 200), np.float32)})
    with files_no_longer_than(300_000), pytest.raises(CannotWrite):
        save_artifact(tmp_path / "v1", large)
    assert list(tmp_path.iterdir()) == []
    save_artifact(tmp_path / "v1", large)
    load_artifact(tmp_path / "v1")


def test_a_version_is_written_once(tmp_path, artifact):
    save_artifact(tmp_path / "v1", artifact)
    with pytest.raises(ArtifactError, match="exists already"):
        save_artifact(tmp_path / "v1", artifact)
