import pytest

from recs.ml.relevance.words import content_words, naming_part, stem, stems


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("shoes", "shoe"), ("dresses", "dress"), ("watches", "watch"), ("brushes", "brush"),
        ("boxes", "box"), ("batteries", "battery"), ("glass", "glass"), ("bus", "bus"),
        ("cactus", "cactus"), ("ps", "ps"), ("bras", "bra"), ("ps3s", "ps3s"), ("", ""),
    ],
)  # fmt: skip
def test_plurals_lose_their_endings(word, known):
    assert stem(word) == known


def test_a_number_stands_apart_from_its_unit_and_apostrophes_are_nothing():
    assert stems("Women's 16GB Décor") == ["women", "16", "gb", "decor"]
    assert stems("16 gb") == ["16", "gb"]
    assert stems("日本 映画") == ["日本", "映画"]
    assert stems("!?") == []


def test_a_query_of_stop_words_keeps_them():
    assert content_words(["shoe", "for", "women"]) == ["shoe", "women"]
    assert content_words(["the", "who"]) == ["who"]
    assert content_words(["of", "the"]) == ["of", "the"]
    assert content_words([]) == []


@pytest.mark.parametrize(
    ("title", "part"),
    [
        ("Carrying Case for Projector", "Carrying Case"),
        ("Just Dance 2015 (Wii)", "Just Dance 2015"),
        ("Pillow with Heart, Red/Black", "Pillow with Heart"),
        ("ViewSonic Pro8200 Projector", "ViewSonic Pro8200 Projector"),
        ("Wii - Your Shape", "Wii - Your Shape"),
        ("", ""),
    ],
)
def test_the_beginning_of_a_title_names_the_thing(title, part):
    assert naming_part(title) == part
