import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recs.ml.fact_vectors import DIMENSIONS, fact_vector, years

DRAMA = {"category": {"drama": 1.0}}
FRENCH = {"country": {"france": 1.0}}


def test_one_fact_is_the_same_vector_on_every_machine():
    vector = fact_vector(DRAMA)
    assert vector.dtype == np.float32
    assert vector.shape == (DIMENSIONS,)
    signs = "".join("1" if value > 0 else "0" for value in vector[:24])
    # The beginning of `printf category:drama | openssl dgst -shake256 -xoflen 16`.
    assert int(signs, 2) == 0x608F43


@given(st.dictionaries(st.text(), st.dictionaries(st.text(), st.floats(0.1, 5)), max_size=6))
def test_whatever_is_stated_gives_a_finite_vector_of_length_one_or_zeros(stated):
    vector = fact_vector(stated)
    expected = 1.0 if any(stated.values()) else 0.0
    assert np.linalg.norm(vector) == pytest.approx(expected, abs=1e-4)


def test_the_order_in_which_facts_are_stated_does_not_matter():
    one = fact_vector({"creator": {"a": 1.0, "b": 1.0}, **DRAMA})
    other = fact_vector({**DRAMA, "creator": {"b": 1.0, "a": 1.0}})
    np.testing.assert_array_equal(one, other)


def test_the_same_word_of_another_kind_is_another_fact():
    assert abs(float(fact_vector(DRAMA) @ fact_vector({"creator": {"drama": 1.0}}))) < 0.4


def test_many_attributes_weigh_no_more_than_one():
    few = fact_vector({**DRAMA, "cast": {"x": 1.0}})
    many = fact_vector({**DRAMA, **{f"attribute {n}": {str(n): 1.0} for n in range(40)}})
    alone = fact_vector(DRAMA)
    assert float(many @ alone) == pytest.approx(float(few @ alone), abs=0.1)


def test_a_category_counts_more_than_a_country():
    both = fact_vector({**DRAMA, **FRENCH})
    assert float(both @ fact_vector(DRAMA)) > float(both @ fact_vector(FRENCH)) > 0.4


def test_years_near_each_other_are_alike_whether_or_not_a_decade_ends_between_them():
    assert years(1965) == {"1960s": 1.0}
    assert years(1969) == pytest.approx({"1960s": 0.6, "1970s": 0.4})

    def alike(one, other):
        return float(fact_vector({"year": years(one)}) @ fact_vector({"year": years(other)}))

    assert alike(1969, 1970) > 0.95
    assert alike(1965, 1967) > alike(1965, 1971) > alike(1965, 1990)
