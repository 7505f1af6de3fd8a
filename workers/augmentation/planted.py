"""Texts that speak to whoever grades them: no model is asked about them, people may grade them.

Quotation keeps a planted text in its place, and a model reads it all the same: by likelihood it
moved most grades of the larger model that was measured (docs/experiments.md). These patterns were
made from the texts of that suite and of the tests, nearly all English; whoever words it otherwise
gets by, which is why a label also has to show the words that it rests on.
"""

import re

_PLANTED = re.compile(
    r"""
    <\|[^|<>]{1,40}\|> | \[/?INST\] | </?s> | </?\|?(?:system|assistant)\|?>     # marks of a chat
    | (?:^|[\n.!?>]\s*)(?:system|assistant|user)\s*:                             # who is speaking
    | \b(?:ignore|disregard|forget|override)\b[^.!?\n]{0,40}\binstructions?\b
    | \bignora\b[^.!?\n]{0,40}\binstrucciones\b | \bignore[zr]?\b[^.!?\n]{0,40}\bconsignes\b
    | \bgrade\s+(?:it|this|that|for)\b | \bgrade\s+(?:to\s+)?[0-3](?![\d.,-]*\w)(?=\W|$)
    | \bgrade\b[^.!?\n]{0,30}(?:\bis\b|[:=])\s*(?:[0-3]\b|bad\b|fair\b|good\b|perfect\b)
    | "grade"\s*:                                                                # a ready answer
    | \bas\s+the\s+judge\b | \b(?:nota|note)\b[^.!?\n]{0,20}\b(?:es|est)\b\s*\d
    """,
    re.IGNORECASE | re.VERBOSE,
)


def speaks_to_a_judge(text: str) -> bool:
    """Whether something in the text is there for who grades it, and not for who reads it."""
    return _PLANTED.search(text) is not None
