"""What a web process loads before its first visitor would have to wait for it."""

import gc
import logging

from django.db import DatabaseError, connection

from recs.embeddings import query_vector
from recs.errors import NoLiveVersion
from search.vocabulary import vocabulary

logger = logging.getLogger(__name__)


def warm_up() -> None:
    """Load the query encoder's weights and the catalog's words, off the request path.

    A database that is away, or empty, is no reason not to start: both are loaded on demand then.
    """
    try:
        query_vector("warm up")
        vocabulary()
        # What is loaded now stays: the collector need not walk a hundred thousand words each time.
        gc.collect()
        gc.freeze()
    except (NoLiveVersion, DatabaseError) as error:
        logger.info("nothing to warm up yet: %s", error)
    finally:
        connection.close()  # this thread ends here; the pool gets its connection back
