"""Personal data taken out of whatever leaves for a language model."""

import re
from dataclasses import replace

from search.personal_data import mask
from workers.llm.types import MOST_CHARACTERS, Prompt

# What a quotation begins and ends with, and what the turns of a chat do in many models.
_MARKS = re.compile(r"<{2,}|>{2,}|<\||\|>|</?s>|\[/?INST\]")


def scrubbed(prompt: Prompt) -> Prompt:
    """The prompt without what reaches or names a person by its form, and cut where it is endless.

    The instructions are ours and stay as they are.
    """
    return replace(prompt, user=mask(prompt.user[: 4 * MOST_CHARACTERS]))


def quoted(text: str) -> str:
    """A text of the catalog as data: cut, on one line, and unable to end its own quotation."""
    plain = " ".join(_MARKS.sub(lambda found: " ".join(found[0]), text).split())
    cut = plain[:MOST_CHARACTERS]
    # A last ">" of its own would run into the end of the quotation.
    return f"<<{cut} >>" if cut.endswith(">") else f"<<{cut}>>"
