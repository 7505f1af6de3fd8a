"""What the benchmark asks: a fixed mixture, drawn once from the demo's own words."""

from collections.abc import Sequence
from urllib.parse import urlencode

# Broad, exact, long-tail, mistyped and unanswerable, in the proportions of a guess: there is no
# public log of film searches to draw from. No query repeats within 40 requests.
SEARCHES: Sequence[str] = (
    "the godfather",
    "hitchcok thriller",
    "space adventure",
    "french comedy 1960s",
    "rear window",
    "akira kurosawa",
    "japanese horror",
    "romantic comedy new york",
    "heist gone wrong",
    "war films about friendship",
    "alien",
    "western 1950s",
    "agnes varda",
    "musical",
    "time travel",
    "submarine",
    "coming of age drama",
    "bergmann drama",
    "spy thriller cold war",
    "animated adventure for children",
    "german documentary",
    "robot",
    "vampire romance",
    "courtroom drama",
    "boxing",
    "italian neorealism",
    "black and white film noir",
    "scorsese crime",
    "zombie comedy",
    "road movie",
    "dinosaurs",
    "chess",
    "martial arts hong kong",
    "detective story 1940s",
    "dystopian future",
    "sad clown",
    "baseball",
    "pirates",
    "casablnca",
    "qwzx vbnm",
)
PREFIXES: Sequence[str] = tuple(
    dict.fromkeys(query[:length] for query in SEARCHES for length in (2, 4, 6, 9))
)


def search_paths(*, filtered: bool = False) -> list[str]:
    """API paths of the searches, with a filter where asked."""
    extra = {"category": "Drama"} if filtered else {}
    return [f"/api/v1/search?{urlencode({'q': query, **extra})}" for query in SEARCHES]


def suggest_paths() -> list[str]:
    """API paths of the completions, as somebody typing would ask for them."""
    return [f"/api/v1/suggest?{urlencode({'q': prefix})}" for prefix in PREFIXES]


def page_paths() -> list[str]:
    """Pages: home, and a search with everything on it."""
    return ["/", *[f"/search?{urlencode({'q': query})}" for query in SEARCHES[:10]]]
