"""What the benchmark asks: a fixed mixture, drawn once from the demo's own words."""

from collections.abc import Sequence
from urllib.parse import urlencode

# Broad, exact, long-tail, mistyped and unanswerable, in the proportions of a guess: there is no
# public log of film searches to draw from. 200 searches, none twice: a search that comes again
# finds its vector in the process and its pages in memory, and measures less than what it should.
WRITTEN: Sequence[str] = (
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
_PEOPLE = (
    "alfred hitchcock", "ingmar bergman", "federico fellini", "billy wilder", "stanley kubrick",
    "john ford", "orson welles", "howard hawks", "fritz lang", "jean renoir", "luis bunuel",
    "francois truffaut", "jean-luc godard", "andrei tarkovsky", "yasujiro ozu", "satyajit ray",
    "werner herzog", "wim wenders", "david lynch", "jane campion", "sofia coppola", "spike lee",
    "humphrey bogart", "marlene dietrich", "cary grant", "bette davis", "toshiro mifune",
    "marcello mastroianni", "catherine deneuve", "maggie cheung",
)  # fmt: skip
_TITLES = (
    "psycho", "vertigo", "metropolis", "persona", "rashomon", "ikiru", "stalker", "solaris",
    "some like it hot", "the third man", "double indemnity", "the seventh seal", "8 1/2",
    "the 400 blows", "bicycle thieves", "paris texas", "blade runner", "taxi driver", "chinatown",
    "the red shoes", "black narcissus", "cleo from 5 to 7", "in the mood for love", "the piano",
    "do the right thing", "once upon a time in the west",
)  # fmt: skip
_GENRES = (
    "comedy", "drama", "thriller", "horror", "documentary", "romance", "crime", "adventure",
    "science fiction", "war",
)  # fmt: skip
_COUNTRIES = ("french", "italian", "swedish", "polish", "indian", "korean", "british", "mexican")
_DECADES = ("1930s", "1950s", "1960s", "1970s", "1980s", "1990s", "2000s")
_THEMES = (
    "a train journey", "revenge", "first love", "a haunted house", "the circus", "a lighthouse",
    "amnesia", "a stolen painting", "friendship between women", "a prison escape", "journalists",
    "mountain climbing", "a small town secret", "jazz musicians", "a lost child", "twins",
    "a desert island", "school teachers", "a trial", "immigrants",
)  # fmt: skip
_MISTYPED = (
    "felini", "kurosowa samurai", "tarkovski", "trufaut", "kubrik space", "metropolys", "rashamon",
    "vertgo", "bogart detectve", "science ficton", "documentry about music", "animatd films",
    "gangstr", "westren 1960s", "romntic comedy", "vampir",
)  # fmt: skip


def _combined() -> list[str]:
    """Genres with countries, decades and themes, walked through in step."""
    count = len(_GENRES) * 2
    return [
        *(f"{_COUNTRIES[n % 8]} {_GENRES[n % 10]}" for n in range(count)),
        *(f"{_GENRES[(n + 3) % 10]} {_DECADES[n % 7]}" for n in range(count)),
        *(f"{_COUNTRIES[(n + 1) % 8]} {_GENRES[n % 10]} {_DECADES[n % 7]}" for n in range(count)),
        *(f"{_GENRES[n % 10]} about {_THEMES[n]}" for n in range(count)),
        *_THEMES[:8],
    ]


def _mixed() -> list[str]:
    """The 40 written out and 160 more, so that any stretch of them holds every kind."""
    added = [*_PEOPLE, *_TITLES, *_MISTYPED, *_combined()]
    wanted = list(dict.fromkeys([*WRITTEN, *added]))
    # A step that has no divisor in common with 200 visits each once.
    return [wanted[place * 47 % SEARCH_COUNT] for place in range(SEARCH_COUNT)]


SEARCH_COUNT = 200
SEARCHES: Sequence[str] = tuple(_mixed())
# Asked before anything is timed, so that connections, statements and pages of the index are there.
WARM_UP: Sequence[str] = ("family reunion", "gold rush", "lost city", "night train", "sculptors")
PREFIXES: Sequence[str] = tuple(
    dict.fromkeys(query[:length] for query in WRITTEN for length in (2, 4, 6, 9))
)


def search_paths(*, filtered: bool = False) -> list[str]:
    """API paths of the searches, with a filter where asked."""
    extra = {"category": "Drama"} if filtered else {}
    return [f"/api/v1/search?{urlencode({'q': query, **extra})}" for query in SEARCHES]


def warm_up_paths() -> list[str]:
    """API paths of searches that are not among those timed."""
    return [f"/api/v1/search?{urlencode({'q': query})}" for query in WARM_UP]


def suggest_paths() -> list[str]:
    """API paths of the completions, as somebody typing would ask for them."""
    return [f"/api/v1/suggest?{urlencode({'q': prefix})}" for prefix in PREFIXES]


def page_paths() -> list[str]:
    """Pages: home, and a search with everything on it."""
    return ["/", *[f"/search?{urlencode({'q': query})}" for query in WRITTEN[:10]]]
