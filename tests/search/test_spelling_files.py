"""`benchmark spelling`: files in, guesses out."""

import pytest
from django.core.management import CommandError, call_command


@pytest.fixture
def files(tmp_path):
    def write(words, vocabulary):
        (tmp_path / "words.txt").write_text(words, encoding="utf-8")
        (tmp_path / "vocabulary.txt").write_text(vocabulary, encoding="utf-8")
        return tmp_path

    return write


def guessed(folder):
    call_command(
        "benchmark", "spelling", words=folder / "words.txt",
        vocabulary=folder / "vocabulary.txt", out=folder / "out.tsv",
    )  # fmt: skip
    lines = (folder / "out.tsv").read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines]


def test_each_word_has_its_best_guess(files):
    folder = files("fone\nhitchcok\n\nstar\nAB0UT\n", "Phone\nHitchcock\nstar\nabout\n")
    assert guessed(folder) == [
        ("fone", "Phone"), ("hitchcok", "Hitchcock"), ("star", "star"), ("AB0UT", "about"),
    ]  # fmt: skip


def test_words_of_the_vocabulary_are_left_alone(files):
    folder = files("Cote\ncote\ncoté\n", "cote\ncode\n")
    assert [word for _, word in guessed(folder)] == ["cote"] * 3


@pytest.mark.parametrize("odd", ["!!!", "日本", "x" * 500, "a b\tc", "\u202e"])
def test_odd_lines_have_an_answer_each(files, odd):
    (found,) = guessed(files(f"{odd}\n", "star\n"))
    assert len(found) == 2


@pytest.mark.parametrize("vocabulary", ["", "\n \n", "!!!\n"])
def test_an_empty_vocabulary_is_refused(files, vocabulary):
    with pytest.raises(CommandError, match="holds no word"):
        guessed(files("star\n", vocabulary))


def test_what_is_no_text_or_is_not_there_is_refused(files):
    folder = files("star\n", "star\n")
    (folder / "words.txt").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(CommandError):
        guessed(folder)
    (folder / "words.txt").unlink()
    with pytest.raises(CommandError, match=r"words\.txt"):
        guessed(folder)
