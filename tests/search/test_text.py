import pytest

from search.text import clean_query, normalize_query, without_article


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("  The   GODFATHER ", "the godfather"),
        ("Amélie", "amelie"),
        ("Schindler's List", "schindlers list"),
        ("Schindler\u2019s List", "schindlers list"),
        ("L'Avventura", "lavventura"),
        ("Face/Off", "face off"),
        ("Spider-Man", "spider man"),
        ("Straße", "strasse"),
        ("שלום", "שלום"),
        ("🎬 film", "🎬 film"),
        ("a\x00b\x1fc", "a b c"),
        ("", ""),
    ],
)
def test_a_query_has_one_normal_form(typed, normal):
    assert normalize_query(typed) == normal


def test_ascii_and_other_text_are_normalized_alike():
    for text in ("Don't Look Now!", "8 1/2", "M*A*S*H (1970)", "x" * 400):
        slow = normalize_query(text + " é").removesuffix(" e")
        assert normalize_query(text) == slow[:300]


def test_invisible_direction_overrides_are_removed_and_letters_stay():
    assert clean_query("abc\u202edef\u200f") == "abcdef"
    assert clean_query("مرحبا") == "مرحبا"


def test_a_leading_article_is_no_part_of_a_title():
    assert without_article("the godfather") == "godfather"
    assert without_article("the") == "the"
    assert without_article("them") == "them"
