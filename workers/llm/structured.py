"""Answers read by their schema. What does not fit is refused with a reason for the repair."""

import json
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator

from workers.llm.errors import BadAnswer

MOST_CHARACTERS = 100_000


def read(text: str, schema: Mapping[str, Any]) -> Any:
    """The answer.

    Models write words or a fence round their JSON: the outermost braces are read.

    Raises:
        BadAnswer: says what is wrong.
    """
    if len(text) > MOST_CHARACTERS:
        raise BadAnswer(f"The answer has {len(text):,} characters.")
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        raise BadAnswer("The answer holds no JSON object.")
    try:
        value = json.loads(text[start : end + 1])
    except ValueError as error:
        raise BadAnswer(f"The answer is no JSON: {error}.") from error
    except RecursionError as error:
        raise BadAnswer("The answer is nested too deeply.") from error
    found = next(Draft202012Validator(dict(schema)).iter_errors(value), None)
    if found is not None:
        where = "/".join(str(part) for part in found.absolute_path) or "the answer"
        raise BadAnswer(f"At {where}: {found.message[:200]}")
    return value
