import dataclasses

import numpy as np
import pytest

from recs.ml.item_tables import as_arrays, of_arrays
from tests.recs.ml.test_item_side import tables


def listed(given):
    offsets = given.attribute_offsets
    return [
        given.attribute_values[offsets[row] : offsets[row + 1]].tolist()
        for row in range(given.item_count + 1)
    ]


def test_what_is_saved_comes_back():
    given = tables()
    back = of_arrays({**as_arrays(given), "something_else": np.zeros(2)})
    for field in dataclasses.fields(given):
        np.testing.assert_array_equal(getattr(back, field.name), getattr(given, field.name))
        if field.name not in ("code_sizes", "attributes"):
            assert getattr(back, field.name).dtype == getattr(given, field.name).dtype
    assert (back.code_sizes, back.attributes) == ((3, 2), 3)


def test_tables_without_codes_come_back():
    back = of_arrays(as_arrays(tables(sizes=(), attributes=7)))
    assert (back.code_sizes, back.attributes) == ((), 7)


def test_a_missing_array_is_named():
    arrays = as_arrays(tables())
    del arrays["codes"]
    with pytest.raises(KeyError, match="codes"):
        of_arrays(arrays)


def test_some_rows_keep_what_they_had_behind_a_padding_row():
    given = tables()
    part = given.rows(np.array([4, 1, 4]))
    assert part.item_count == 3
    np.testing.assert_array_equal(part.content, given.content[[0, 4, 1, 4]])
    np.testing.assert_array_equal(part.codes, given.codes[[0, 4, 1, 4]])
    assert part.counts.tolist() == [0, 2, 9, 2]
    assert listed(part) == [[], [2], [0, 2], [2]]


def test_no_rows_leave_the_padding():
    part = tables().rows(np.zeros(0, np.int64))
    assert part.item_count == 0
    assert listed(part) == [[]]
