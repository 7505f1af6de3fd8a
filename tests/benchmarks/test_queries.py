from benchmarks import parts, queries
from recs import hnsw
from search import dense


def test_no_search_comes_twice_and_the_warm_up_asks_none_of_them():
    assert len(queries.SEARCHES) == len(set(queries.SEARCHES)) == queries.SEARCH_COUNT
    assert set(queries.WRITTEN) <= set(queries.SEARCHES)
    assert not set(queries.WARM_UP) & set(queries.SEARCHES)


def test_the_bare_vector_query_looks_as_deep_as_search():
    assert parts.K == dense.NEAREST
    assert hnsw.ef_search(parts.K) == parts.EF_SEARCH
