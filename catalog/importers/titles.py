"""Titles as catalogs write them: the year apart, articles moved, one form for comparing."""

import re
import unicodedata
from functools import lru_cache

_YEAR = re.compile(r"\s*\((\d{4})(?:[-\u2013]\d{0,4})?\)\s*$")
# Not at the beginning: "(500) Days of Summer" is all title.
_PARENTHESES = re.compile(r"(?<=\s)\(([^()]*)\)")
_ALSO_KNOWN_AS = re.compile(r"^(?:a\.?k\.?a\.?|also known as)\s+", re.IGNORECASE)
# "Matrix, The", "Misérables, Les", "Age d'or, L'": an article behind the last comma.
_MOVED_ARTICLE = re.compile(
    r"^(?P<rest>.+), (?P<article>The|An?|L'|L\u2019|Les?|La|El|Los|Las|Il|Lo|I|Gli|Das|Der|Die|Ein|"
    r"Une?|Den|Det|De|En|Et|Os?|As?|Um|Uma|Una)$",
    re.IGNORECASE,
)
_LEADING_ARTICLE = re.compile(r"^(?:the|an?|les?|la|el|das|der|die|il) (?=.)")
_NOT_A_WORD = re.compile(r"[^0-9a-z]+")


def split_year(title: str) -> tuple[str, int | None]:
    """The title without its year: "Matrix, The (1999)" gives ("Matrix, The", 1999)."""
    found = _YEAR.search(title)
    if not found:
        return title.strip(), None
    return title[: found.start()].strip(), int(found.group(1))


def in_reading_order(title: str) -> str:
    """The article at the front: "Matrix, The" gives "The Matrix", also inside parentheses."""
    title = _PARENTHESES.sub(lambda inner: f"({_article_first(inner.group(1))})", title)
    head, parenthesis, tail = title.partition(" (")
    return _article_first(head.strip()) + parenthesis + tail


def comparable(title: str) -> str:
    """One form for comparing: no accents, case, punctuation or leading article."""
    plain = unicodedata.normalize("NFKD", title.replace("½", " 1/2").casefold())
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    plain = plain.replace("&", " and ").replace("'", "").replace("\u2019", "")
    words = _NOT_A_WORD.sub(" ", plain).strip()
    # A title in another script has no Latin letters left: compare it as it is.
    return _LEADING_ARTICLE.sub("", words) or title.casefold().strip()


@lru_cache(maxsize=65536)
def names_of(title: str) -> tuple[str, ...]:
    """Each name that a title gives, comparable, the main one first.

    "Seven (a.k.a. Se7en)" gives ("seven", "se7en").
    """
    ordered = in_reading_order(title)
    main = _PARENTHESES.sub(" ", ordered).strip()
    inner = [_ALSO_KNOWN_AS.sub("", name.strip()) for name in _PARENTHESES.findall(ordered)]
    names = [comparable(name) for name in [main or ordered, *inner] if name.strip()]
    return tuple(dict.fromkeys(name for name in names if name))


def _article_first(title: str) -> str:
    found = _MOVED_ARTICLE.match(title)
    if not found:
        return title
    article = found.group("article")
    space = "" if article[-1] in "'\u2019" else " "
    return f"{article}{space}{found.group('rest')}"


def main_title(title: str) -> str:
    """The title alone, in reading order: "Seven (a.k.a. Se7en)" gives "Seven"."""
    ordered = in_reading_order(title)
    return re.sub(r"\s+", " ", _PARENTHESES.sub(" ", ordered)).strip() or ordered


def alternative_names(title: str) -> list[str]:
    """The other names in parentheses: "Seven (a.k.a. Se7en)" gives ["Se7en"]."""
    inner = _PARENTHESES.findall(in_reading_order(title))
    return [name for name in (_ALSO_KNOWN_AS.sub("", part.strip()) for part in inner) if name]
