import pytest
from django.db import connection
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from search import tsquery
from search.tsquery import parse


def test_words_phrases_and_excluded_words_are_told_apart():
    query = parse('new "wave cinema" -comedy spider-man')
    assert query.words == ("new", "spider", "man")
    assert query.phrases == (("wave", "cinema"),)
    assert query.excluded == (("comedy",),)
    assert query.asked == "new wave cinema spider-man"


def test_all_terms_asks_for_everything_and_excludes():
    assert tsquery.all_terms(parse('blue "new wave" -war')) == (
        "'blue' & ('new' <-> 'wave') & !(('war'))"
    )


def test_a_minus_alone_is_read_as_the_word():
    query = parse("-comedy")
    assert query.words == ("comedy",)
    assert not query.excluded


@pytest.mark.parametrize(
    ("word", "decade"),
    [("60s", "1960s"), ("sixties", "1960s"), ("10s", "2010s"), ("00s", "2000s"), ("1960s", "")],
)
def test_short_decades_mean_those_of_the_catalog(word, decade):
    assert tsquery.decade_of(word) == decade


def test_a_decade_is_searched_in_both_forms():
    assert tsquery.all_terms(parse("60s")) == "('60s' | '1960s')"


def test_a_word_with_an_apostrophe_is_searched_whole_and_split():
    assert tsquery.all_terms(parse("l'avventura")) == "('lavventura' | ('l' <-> 'avventura'))"


def test_the_last_word_may_be_a_prefix():
    assert tsquery.all_terms(parse("star wa"), last_is_prefix=True) == "'star' & ('wa' | 'wa':*)"


def test_fillers_are_let_go_before_other_words():
    query = parse("a film about robots", fillers=frozenset(["a", "film", "about"]))
    assert query.content_words == ("robots",)


def test_unclosed_quotes_are_only_punctuation():
    assert parse('"star wars').words == ("star", "wars")


@pytest.mark.django_db
@hypothesis_settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=60) | st.text(alphabet="'\"&|!():*<>-\\ ab60s", max_size=60))
def test_nothing_typed_breaks_the_tsquery(text):
    query = parse(text)
    texts = [
        tsquery.all_terms(query),
        tsquery.all_terms(query, last_is_prefix=True),
        tsquery.most_terms(query),
        tsquery.any_term(query),
        tsquery.excluded_terms(query),
    ]
    with connection.cursor() as cursor:
        for each in texts:
            cursor.execute("SELECT to_tsquery('foray', %s)", [each])
            cursor.fetchone()
