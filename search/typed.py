"""What people typed, in SQL: chains of typing, their ends, and which texts were judged finished.

An instant search logs a row for each pause in typing, so most of its rows are prefixes. Statements
here are parts of others: `typed` is the name of a CTE of the rows of TYPED.
"""

CHAIN_MINUTES = 2
TYPED = """
    SELECT *,
        CASE WHEN person_id IS NOT NULL THEN 'p' || person_id
             WHEN anonymous_id <> '' THEN 'a' || anonymous_id END AS viewer
    FROM catalog_answer
    WHERE kind = 'search' AND page = 1 AND normalized_query <> ''"""
# The hand rule. A row ends its typing where it was submitted, or is the last of its chain: the
# same viewer's next row within two minutes does not begin with it, and the one before does not
# either (which would be somebody deleting letters).
ENDED = f"""
    SELECT * FROM (
        SELECT *,
            lead(normalized_query) OVER chain AS next_query, lead(time) OVER chain AS next_time,
            lag(normalized_query) OVER chain AS last_query, lag(time) OVER chain AS last_time
        FROM typed WINDOW chain AS (PARTITION BY viewer ORDER BY time, query_id)
    ) AS chained
    WHERE NOT is_typing
        OR NOT (
            coalesce(starts_with(next_query, normalized_query)
                     AND next_time - time <= interval '{CHAIN_MINUTES} minutes', false)
            OR coalesce(starts_with(last_query, normalized_query)
                        AND last_query <> normalized_query
                        AND time - last_time <= interval '{CHAIN_MINUTES} minutes', false)
        )"""  # noqa: S608  constants only
# Those that found something, by the hand rule alone.
FINISHED = f"SELECT * FROM ({ENDED}) AS ended WHERE total > 0"  # noqa: S608
# Texts that the live version judged (search.finished). After a roll back there are none until it
# judged anew: what another version said is never used.
JUDGED = """
    SELECT normalized FROM search_finishedtext
    WHERE version_id = (SELECT id FROM recs_modelversion
                        WHERE kind = 'finished_queries' AND state = 'live')"""
# A condition on rows of ENDED: what was not submitted counts only where its text is judged
# finished. Without judged texts the hand rule stands.
IS_LIKELY = f"""
    (NOT is_typing OR NOT EXISTS ({JUDGED}) OR normalized_query IN ({JUDGED} AND is_finished))"""
# Keys of rows that nobody submitted and that are finished all the same; none without judged texts.
FINISHED_UNSUBMITTED = f"""
    WITH typed AS ({TYPED} AND time >= %s), ended AS ({ENDED})
    SELECT query_id FROM ended
    WHERE is_typing AND viewer IS NOT NULL
        AND normalized_query IN ({JUDGED} AND is_finished)"""  # noqa: S608
