import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from catalog.errors import InvalidInput
from catalog.types import ItemInput
from recs.code_assignment import semantic_ids
from recs.codes import build_codes
from recs.content import content_vectors, live_versions
from recs.models import ContentEmbedding
from recs.vector_files import import_vectors
from recs.versions import ensure_version
from tests.recs.conftest import make_items

pytestmark = pytest.mark.django_db


@pytest.fixture
def items():
    return make_items([ItemInput(external_id=name, title=name) for name in "abc"])


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_vectors_of_a_third_modality_come_in_by_a_file(items, tmp_path):
    text = ensure_version()
    path = lines(
        tmp_path / "audio.jsonl",
        [
            {"id": "a", "vector": [1, 0.5]},
            {"id": "c", "vector": [0, -2]},
            {"id": "no", "vector": [1, 1]},
        ],
    )
    report = import_vectors(path=path, modality="audio", encoder="ears")
    assert (report.written, report.unknown, report.bad) == (2, 1, 0)
    assert live_versions() == {"text": text, "audio": report.version}
    found = content_vectors([items["a"], items["b"], items["c"]])["audio"]
    assert found.tolist() == [[1, 0.5], [0, 0], [0, -2]]


def test_reading_it_again_changes_nothing(items, tmp_path):
    path = lines(tmp_path / "audio.jsonl", [{"id": "a", "vector": [1, 0.5]}])
    for _ in range(2):
        import_vectors(path=path, modality="audio", encoder="ears")
    assert ContentEmbedding.objects.count() == 1


def test_another_revision_takes_the_place_of_the_one_in_use(items, tmp_path):
    path = lines(tmp_path / "audio.jsonl", [{"id": "a", "vector": [1, 0.5]}])
    import_vectors(path=path, modality="audio", encoder="ears")
    newer = import_vectors(path=path, modality="audio", encoder="ears", revision="2").version
    assert live_versions()["audio"] == newer


def test_parquet_is_read_too(items, tmp_path):
    table = pa.table({"id": ["a", "b"], "vector": [[1.0, 2.0], [3.0, 4.0]]})
    pq.write_table(table, tmp_path / "audio.parquet")
    report = import_vectors(path=tmp_path / "audio.parquet", modality="audio", encoder="ears")
    assert report.written == 2


@pytest.mark.parametrize(
    "row",
    [
        {"id": "b"},
        {"vector": [1, 2]},
        {"id": "b", "vector": []},
        {"id": "b", "vector": [0, 0]},
        {"id": "b", "vector": ["x", 1]},
        {"id": "b", "vector": [1e30, 1]},
        {"id": "b", "vector": [1, 2, 3]},
        {"id": "b", "vector": [[1], [2, 3]]},
        {"id": "b", "vector": 4},
        {"id": "b", "vector": {"a": 1}},
    ],
)
def test_a_row_that_cannot_be_used_is_told_and_the_others_kept(items, tmp_path, row):
    path = lines(tmp_path / "v.jsonl", [{"id": "a", "vector": [1, 2]}, row])
    report = import_vectors(path=path, modality="audio", encoder="ears")
    assert (report.written, report.bad) == (1, 1)
    assert report.problems[0].startswith("line 2: ")


@pytest.mark.parametrize("modality", ["text", "image", "", "Audio", "a" * 21, "a-b"])
def test_a_modality_that_cannot_be_is_refused(items, tmp_path, modality):
    path = lines(tmp_path / "v.jsonl", [{"id": "a", "vector": [1, 2]}])
    with pytest.raises(InvalidInput, match="modality"):
        import_vectors(path=path, modality=modality, encoder="ears")


def test_the_command_tells_what_became_of_it_and_the_codes_read_it(world, tmp_path, capsys):
    rng = np.random.default_rng(0)
    rows = [{"id": name, "vector": rng.normal(size=4).tolist()} for name in world]
    path = lines(tmp_path / "v.jsonl", [*rows, {"id": "x"}])
    call_command("import_vectors", path, modality="audio", encoder="ears")
    told = capsys.readouterr()
    assert "42 vectors written" in told.out
    assert "line 43" in told.err
    assert semantic_ids(build_codes()).residual.space.modalities == ("audio", "text")
    with pytest.raises(CommandError, match="none of text, image, facts"):
        call_command("import_vectors", path, modality="text", encoder="ears")
