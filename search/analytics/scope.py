"""What is looked at: a span of days, and whose searches, made where, ranked by what."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.utils import timezone

from catalog.errors import InvalidInput
from catalog.values import did_you_mean

DAYS = (1, 7, 30, 90)
DEFAULT_DAYS = 7
MOST_DAYS = 366

# Parameter: {value: (name, condition on the columns of the log)}.
CHOICES: dict[str, dict[str, tuple[str, str]]] = {
    "who": {
        "": ("Everybody", ""),
        "signed_in": ("Known people", "person_id IS NOT NULL"),
        "guests": ("Guests", "person_id IS NULL"),
    },
    "surface": {
        "": ("Everywhere", ""),
        "pages": ("The site's pages", "surface <> 'api'"),
        "api": ("The API", "surface = 'api'"),
    },
    "ranked": {
        "": ("By anything", ""),
        "model": ("By the model", "model_version <> ''"),
        "fallback": ("Without the model", "model_version = ''"),
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Moments of the log from `start` to before `end`; `days` is 0 where dates were given."""

    start: datetime
    end: datetime
    days: int = 0

    @classmethod
    def last(cls, days: int = DEFAULT_DAYS) -> "Period":
        """The days until now, to the minute."""
        now = timezone.now()
        return cls(start=now - timedelta(days=days), end=now, days=days)

    @classmethod
    def between(cls, first: date, last: date) -> "Period":
        """Whole days in UTC, both included.

        Raises:
            InvalidInput: they stand in the wrong order, or too far apart.
        """
        if last < first:
            raise InvalidInput("'from' is later than 'to'.", field="from")
        if (last - first).days >= MOST_DAYS:
            raise InvalidInput(f"At most {MOST_DAYS} days are counted at once.", field="from")
        if not 1970 <= first.year <= last.year <= 9000:
            raise InvalidInput("There is no log of that year.", field="from")
        return cls(start=_midnight(first), end=_midnight(last + timedelta(days=1)))

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "Period":
        """Of `days`, or of `from` and `to` (today where it is left out); 7 days of neither.

        Raises:
            InvalidInput: names what cannot be read.
        """
        days, first, last = (given.get(name, "").strip() for name in ("days", "from", "to"))
        if first or last:
            if days:
                raise InvalidInput("Send 'days', or 'from' and 'to', not both.", field="days")
            if not first:
                raise InvalidInput("'to' needs a 'from'.", field="from")
            until = _day(last, field="to") if last else timezone.now().astimezone(UTC).date()
            return cls.between(_day(first, field="from"), until)
        if not days:
            return cls.last()
        if not (
            days.isascii() and days.isdigit() and len(days) <= 3 and 1 <= int(days) <= MOST_DAYS
        ):
            raise InvalidInput(f"'days' is a whole number from 1 to {MOST_DAYS}.", field="days")
        return cls.last(int(days))

    @property
    def before(self) -> "Period":
        """The span of the same length that ends where this one starts."""
        return Period(start=self.start - (self.end - self.start), end=self.start)

    @property
    def key(self) -> str:
        """Of what is cached: the last days stay the same while the minute passes."""
        return f"last{self.days}" if self.days else f"{self.start:%Y%m%d%H%M}-{self.end:%Y%m%d%H%M}"

    @property
    def dates(self) -> list[date]:
        """The days that it touches, in UTC."""
        first = self.start.astimezone(UTC).date()
        last = (self.end.astimezone(UTC) - timedelta(microseconds=1)).date()
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]

    def holds(self, day: date) -> bool:
        """Whether all of the day is in it, and over."""
        over = min(self.end, timezone.now())
        return self.start <= _midnight(day) and _midnight(day + timedelta(days=1)) <= over


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A part of the searches: values of CHOICES, "" for all."""

    who: str = ""
    surface: str = ""
    ranked: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "Segment":
        """Of parameters with these names.

        Raises:
            InvalidInput: names the one whose value is unknown.
        """
        for name, choices in CHOICES.items():
            value = given.get(name, "")
            if value not in choices:
                known = [choice for choice in choices if choice]
                hint = did_you_mean(value[:60], known)
                raise InvalidInput(f"'{name}' is {' or '.join(known)}.{hint}", field=name)
        return cls(**{name: given.get(name, "") for name in CHOICES})

    @property
    def condition(self) -> str:
        """SQL on the columns of the log."""
        chosen = [CHOICES[name][getattr(self, name)][1] for name in CHOICES]
        return " AND ".join([one for one in chosen if one]) or "TRUE"

    @property
    def key(self) -> str:
        """Of what is cached."""
        return "-".join(getattr(self, name) for name in CHOICES)


@dataclass(frozen=True, slots=True)
class Scope:
    """A period, and a part of its searches."""

    period: Period
    segment: Segment = Segment()

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "Scope":
        """Of parameters.

        Raises:
            InvalidInput: names the one that cannot be used.
        """
        return cls(Period.read(given), Segment.read(given))

    @property
    def before(self) -> "Scope":
        """The same part of the period before."""
        return Scope(self.period.before, self.segment)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _day(text: str, *, field: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"'{field}' is a date like 2026-03-31.", field=field) from None
