"""The sources of queries, best first: of two that offer the same words the earlier keeps them."""

from search.query_sources.base import QuerySource, is_switched_on
from search.query_sources.expansions import Expansions
from search.query_sources.log import Log
from search.query_sources.names import Names
from search.query_sources.onward import GoneOn
from search.query_sources.recent import Recent
from search.query_sources.titles import Titles
from search.query_sources.written import WrittenByModels

# A name or a category answers with many items where a namesake's title answers with one, and
# what the catalog says can be explained where a log entry cannot.
SOURCES: tuple[QuerySource, ...] = (
    Names(),
    Expansions(),
    Titles(),
    Log(),
    WrittenByModels(),
    GoneOn(),
    Recent(),
)


def switched_on() -> tuple[QuerySource, ...]:
    """The sources that may be generated and shown."""
    return tuple(source for source in SOURCES if is_switched_on(source.name))


def names_on() -> list[str]:
    """Their names."""
    return [source.name for source in switched_on()]
