import json
import os
import resource
from contextlib import contextmanager
from pathlib import Path

import pytest

from recs.ml import sealed
from recs.ml.errors import ArtifactError, CannotWrite


@contextmanager
def files_no_longer_than(size: int):
    """What a full disk does to a process: a write fails in the middle of a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def two_files(folder: Path) -> None:
    (folder / "a.txt").write_text("first")
    (folder / "b.txt").write_text("second")


def test_a_folder_is_read_as_it_was_written(tmp_path):
    place = tmp_path / "deep" / "down"
    digest = sealed.seal(place, two_files, about={"of": "this"})
    manifest = sealed.verify(place, expect_sha256=digest)
    assert manifest["of"] == "this"
    assert set(manifest["sha256"]) == {"a.txt", "b.txt"}
    assert place.stat().st_mode & 0o777 == 0o755
    assert [path.name for path in place.parent.iterdir()] == ["down"]


def change(place: Path) -> None:
    (place / "a.txt").write_text("First")


def remove(place: Path) -> None:
    (place / "a.txt").unlink()


def truncate(place: Path) -> None:
    os.truncate(place / "b.txt", 3)


def add(place: Path) -> None:
    (place / "c.txt").write_text("third")


def empty_manifest(place: Path) -> None:
    (place / sealed.MANIFEST).write_text("")


def no_manifest(place: Path) -> None:
    (place / sealed.MANIFEST).unlink()


def other_manifest(place: Path) -> None:
    (place / sealed.MANIFEST).write_text("[]")


@pytest.mark.parametrize(
    "tamper", [change, remove, truncate, add, empty_manifest, no_manifest, other_manifest]
)
def test_whatever_somebody_does_to_it_is_noticed(tmp_path, tamper):
    place = tmp_path / "x"
    sealed.seal(place, two_files, about={})
    tamper(place)
    with pytest.raises(ArtifactError):
        sealed.verify(place)


def test_a_manifest_made_to_fit_the_change_is_not_the_recorded_one(tmp_path):
    place = tmp_path / "x"
    digest = sealed.seal(place, two_files, about={})
    manifest = json.loads((place / sealed.MANIFEST).read_text())
    change(place)
    manifest["sha256"]["a.txt"] = sealed._sha256(place / "a.txt")
    (place / sealed.MANIFEST).write_text(json.dumps(manifest))
    sealed.verify(place)
    with pytest.raises(ArtifactError, match="another manifest"):
        sealed.verify(place, expect_sha256=digest)


def test_a_missing_folder_is_incomplete(tmp_path):
    with pytest.raises(ArtifactError, match="incomplete"):
        sealed.verify(tmp_path / "nowhere")


def test_what_is_written_never_changes(tmp_path):
    place = tmp_path / "x"
    sealed.seal(place, two_files, about={})
    with pytest.raises(ArtifactError, match="exists already"):
        sealed.seal(place, two_files, about={})
    sealed.verify(place)


def test_a_full_disk_leaves_nothing_and_has_a_name(tmp_path):
    def much(folder: Path) -> None:
        two_files(folder)
        (folder / "c.bin").write_bytes(bytes(1_000_000))

    with files_no_longer_than(300_000), pytest.raises(CannotWrite, match="x could not be written"):
        sealed.seal(tmp_path / "x", much, about={})
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_while_writing_leaves_nothing_and_keeps_its_name(tmp_path):
    def wrong(folder: Path) -> None:
        two_files(folder)
        raise KeyError("no such thing")

    with pytest.raises(KeyError):
        sealed.seal(tmp_path / "x", wrong, about={})
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_made_has_the_same_name(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite):
        sealed.seal(tmp_path / "file" / "x", two_files, about={})


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    sealed.seal(tmp_path / "x", two_files, about={})
    left = tmp_path / ".staging-abc"
    left.mkdir()
    two_files(left)
    sealed.remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
