"""A judge's turns: the next pair, what is said of it, and taking that back.

A turn is leased before it is shown. Whoever gives one locks the pair first and counts then, so that
a pair never has more grades and leases than the judges that it wants. "Can't say" is an outcome of
its own: it takes no place; where as many say it as are wanted, the pair waits for an adjudicator.
"""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from catalog.errors import Conflict, InvalidInput, NotFound
from catalog.judging.known import known_pairs
from catalog.judging.stale import renew_pairs
from catalog.labels import GRADES, Drawn, set_label
from catalog.models import Judgement, JudgingPair, Label

Outcome = Judgement.Outcome
State = JudgingPair.State
# Grades that lie so far apart are for an adjudicator.
APART = 2
NAME_CHARACTERS = 100
NOTE_CHARACTERS = 5_000
# Pairs that somebody else took between our look and our lock.
TRIES = 25
_REPLACED = ("grade", "note", "guideline", "content_hash", "propensity", "confidence", "call")

# Own acts are never asked again in the same round, nor is anybody asked about themselves.
_ASKABLE = """
    FROM catalog_judgingpair AS pair
    WHERE pair.state = 'open' AND NOT pair.id = ANY(%(without)s)
      AND NOT EXISTS (
        SELECT FROM catalog_judgement AS own
        WHERE own.pair_id = pair.id AND own.round = pair.round AND own.labeller = %(name)s
          AND own.outcome <> 'open'
      )
      AND (
        SELECT count(*) FROM catalog_judgement AS taken
        WHERE taken.pair_id = pair.id AND taken.round = pair.round AND taken.labeller <> %(name)s
          AND (taken.outcome = 'graded' OR taken.outcome = 'open' AND taken.leased_until > now())
      ) < pair.wanted
      AND NOT EXISTS (
        SELECT FROM catalog_person AS person
        WHERE person.id = pair.person_id AND person.account_id = %(account)s
      )
"""
# The order within a priority is each judge's own, and always the same.
_NEXT = f"""
    SELECT pair.id {_ASKABLE}
    ORDER BY pair.priority DESC, pair.kind DESC, hashtextextended(pair.id::text, %(seed)s)
    LIMIT 1
"""
_LEFT = f"SELECT count(*) {_ASKABLE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Whoever judges. `name` stands on the labels."""

    name: str
    account: AbstractBaseUser | None = None

    @property
    def seed(self) -> int:
        """Decides the judge's own order, as PostgreSQL's bigint."""
        digest = blake2b(self.name.encode(), digest_size=8, person=b"judge").digest()
        return int.from_bytes(digest, "big", signed=True)


def judge_of(account: AbstractBaseUser) -> Judge:
    """The judge behind an account."""
    return Judge(name=account.get_username()[:NAME_CHARACTERS], account=account)


def next_turn(judge: Judge) -> Judgement | None:
    """The pair that the judge has before them, else the next one; None where there is none.

    Asked again, it gives the same pair until that is decided or its lease is over.
    """
    for _ in range(TRIES):
        turn = _held(judge) or _claim_known(judge) or _claim(judge)
        if turn is None or not renew_pairs(ids=[turn.pair_id]):
            return turn
    return None


def decide(
    *, judge: Judge, turn_id: int, outcome: str, grade: int | None = None, note: str = ""
) -> Judgement:
    """What the judge says of the pair of a turn.

    Args:
        judge: whose turn it is.
        turn_id: key of the Judgement.
        outcome: Judgement.Outcome, and not "open".
        grade: 0 to 3 where the outcome is "graded", else None.
        note: why, for whoever adjudicates.

    Raises:
        InvalidInput: no such outcome or grade.
        NotFound: the turn is gone, with its item or its person.
        Conflict: it is decided already, its time ran out, or the item changed meanwhile.
    """
    if outcome not in Outcome.values or outcome == Outcome.OPEN:
        raise InvalidInput("No such answer.", field="outcome")
    if (outcome == Outcome.GRADED) != (grade in GRADES):
        raise InvalidInput("'grade' is 0 (bad), 1, 2 or 3 (perfect).", field="grade")
    renew_pairs(ids=list(Judgement.objects.filter(pk=turn_id).values_list("pair_id", flat=True)))
    with transaction.atomic():
        turn = _own_turn(judge, turn_id)
        if turn.outcome != Outcome.OPEN:
            raise Conflict("You have judged that pair already. Undo takes it back.")
        if turn.round != turn.pair.round:
            raise Conflict("The item or the guideline changed while you looked. Nothing was kept.")
        if turn.pair.state == State.DROPPED:
            raise Conflict("That pair was left out meanwhile. Nothing was kept.")
        if not turn.is_calibration and not _has_room(turn):
            raise Conflict("Your time for that pair ran out, and others judged it meanwhile.")
        turn.outcome, turn.grade = outcome, grade
        turn.note = note.replace("\x00", "")[:NOTE_CHARACTERS]
        turn.decided_at = timezone.now()
        turn.replaced = _label(turn) if outcome == Outcome.GRADED else None
        if outcome == Outcome.GRADED:
            _grade(judge, turn)
        turn.save()
        _settle(turn.pair)
    return turn


def undo(*, judge: Judge) -> Judgement:
    """Take back the judge's last act; the pair lies before them again. Can be repeated.

    Raises:
        NotFound: there is nothing to take back.
        Conflict: the pair went on without them.
    """
    last = Judgement.objects.filter(labeller=judge.name, decided_at__isnull=False)
    last_id = last.order_by("-decided_at", "-pk").values_list("pk", flat=True).first()
    if last_id is None:
        raise NotFound("There is nothing to undo.")
    with transaction.atomic():
        turn = _own_turn(judge, last_id)
        _check_undo(turn)
        if turn.outcome == Outcome.GRADED:
            _put_back(turn)
        now = timezone.now()
        turn.outcome, turn.grade, turn.replaced, turn.decided_at = Outcome.OPEN, None, None, None
        turn.started_at, turn.leased_until = now, now + _lease()
        turn.save()
        _settle(turn.pair)
    return turn


def left_for(judge: Judge) -> int:
    """How many open pairs the judge can still be asked about."""
    with connection.cursor() as cursor:
        cursor.execute(_LEFT, _params(judge, []))
        return int(cursor.fetchone()[0])


def state_of(pair: JudgingPair) -> str:
    """Where a pair stands by the turns of its round."""
    if pair.state in (State.FINAL, State.DROPPED):
        return str(pair.state)
    turns = Judgement.objects.filter(pair=pair, round=pair.round)
    said = list(turns.values_list("outcome", "grade"))
    grades = [grade for _, grade in said if grade is not None]
    if len(grades) >= pair.wanted:
        return State.DISPUTED if max(grades) - min(grades) >= APART else State.JUDGED
    unsure = sum(outcome == Outcome.CANT_SAY for outcome, _ in said)
    return State.UNSURE if unsure >= pair.wanted else State.OPEN


def _held(judge: Judge) -> Judgement | None:
    """The newest turn that is open and leased, of a round that goes on."""
    turns = Judgement.objects.select_related("pair").filter(
        labeller=judge.name, outcome=Outcome.OPEN, leased_until__gt=timezone.now()
    )
    for turn in turns.order_by("-started_at", "-pk")[:TRIES]:
        asked = State.FINAL if turn.is_calibration else State.OPEN
        if turn.round == turn.pair.round and turn.pair.state == asked:
            return turn
    return None


def _claim(judge: Judge) -> Judgement | None:
    without: list[int] = []
    for _ in range(TRIES):
        with connection.cursor() as cursor:
            cursor.execute(_NEXT, _params(judge, without))
            found = cursor.fetchone()
        if found is None:
            return None
        with transaction.atomic():
            pair = _locked(found[0])
            # Under its lock nothing of the pair changes any more: now the count is true.
            if pair and pair.state == State.OPEN and _taken(pair, judge.name) < pair.wanted:
                return _lease_to(judge, pair, is_calibration=False)
        without.append(found[0])
    return None


def _claim_known(judge: Judge) -> Judgement | None:
    """A pair with a known answer, where it is its turn; nothing on the page tells."""
    decided = Judgement.objects.filter(labeller=judge.name, decided_at__isnull=False).count()
    drawn = blake2b(f"{judge.seed} {decided}".encode(), digest_size=8, person=b"known").digest()
    if int.from_bytes(drawn, "big") / 2**64 >= settings.CATALOG_CALIBRATION_SHARE:
        return None
    own = Judgement.objects.filter(labeller=judge.name).exclude(outcome=Outcome.OPEN)
    pairs = known_pairs().exclude(pk__in=own.values("pair"))
    if judge.account is not None:
        pairs = pairs.exclude(known__account_id=judge.account.pk)
    choice = [(blake2b(f"{judge.seed} {pk}".encode()).digest(), pk) for pk in
              pairs.values_list("pk", flat=True)]  # fmt: skip
    if not choice:
        return None
    with transaction.atomic():
        pair = _locked(min(choice)[1])
        if pair is None or pair.state != State.FINAL:
            return None
        return _lease_to(judge, pair, is_calibration=True)


def _lease_to(judge: Judge, pair: JudgingPair, *, is_calibration: bool) -> Judgement:
    now = timezone.now()
    turn, _ = Judgement.objects.update_or_create(
        pair=pair,
        round=pair.round,
        labeller=judge.name,
        defaults={
            "account_id": judge.account.pk if judge.account else None,
            "outcome": Outcome.OPEN,
            "started_at": now,
            "leased_until": now + _lease(),
            "is_calibration": is_calibration,
        },
    )
    return turn


def _own_turn(judge: Judge, turn_id: int) -> Judgement:
    """The turn, with its pair locked.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    own = Judgement.objects.filter(pk=turn_id, labeller=judge.name)
    pair = _locked(own.values_list("pair_id", flat=True).first())
    turn = own.first()
    if pair is None or turn is None:
        raise NotFound("That item was deleted meanwhile.", field="turn")
    turn.pair = pair
    return turn


def _locked(pair_id: int | None) -> JudgingPair | None:
    rows = JudgingPair.objects.select_for_update(no_key=True)
    return None if pair_id is None else rows.filter(pk=pair_id).first()


def _has_room(turn: Judgement) -> bool:
    pair = turn.pair
    is_asked = pair.state in (State.OPEN, State.UNSURE)
    return is_asked and _taken(pair, turn.labeller) < pair.wanted


def _taken(pair: JudgingPair, name: str) -> int:
    """Places of a pair that others have: what they graded, and what lies before them."""
    lies = Q(outcome=Outcome.OPEN, leased_until__gt=timezone.now())
    others = Judgement.objects.filter(pair=pair, round=pair.round, is_calibration=False)
    return others.exclude(labeller=name).filter(lies | Q(outcome=Outcome.GRADED)).count()


def _check_undo(turn: Judgement) -> None:
    pair = turn.pair
    if turn.round != pair.round:
        raise Conflict("The item or the guideline changed since: that judgement counts no more.")
    if turn.is_calibration:
        return
    if pair.state in (State.FINAL, State.DROPPED):
        raise Conflict("That pair was adjudicated since: it cannot be taken back.")
    if turn.outcome != Outcome.GRADED and _taken(pair, turn.labeller) >= pair.wanted:
        raise Conflict("Others have judged that pair since: it cannot be taken back.")


def _settle(pair: JudgingPair) -> None:
    state = state_of(pair)
    if state != pair.state:
        pair.state = state
        pair.save(update_fields=["state", "updated_at"])


def _key(turn: Judgement) -> dict[str, Any]:
    pair = turn.pair
    return {
        "kind": pair.kind, "item_id": pair.item_id, "query": pair.query, "person": pair.person,
        "source": Label.Source.HUMAN, "labeller": turn.labeller,
    }  # fmt: skip


def _label(turn: Judgement) -> dict[str, Any] | None:
    """The label of the judge that a grade would replace, to be put back by an undo."""
    found: dict[str, Any] | None = Label.objects.filter(**_key(turn)).values(*_REPLACED).first()
    return found


def _grade(judge: Judge, turn: Judgement) -> None:
    label = set_label(
        **_key(turn), grade=int(turn.grade or 0), account=judge.account, note=turn.note,
        drawn=Drawn(propensity=turn.pair.propensity),
    )  # fmt: skip
    if label.content_hash != turn.pair.content_hash:
        raise Conflict("The item changed while you looked. Nothing was kept.")


def _put_back(turn: Judgement) -> None:
    own = Label.objects.filter(**_key(turn))
    if turn.replaced is None:
        own.delete()
    else:
        own.update(**turn.replaced, updated_at=timezone.now())


def _lease() -> timedelta:
    return timedelta(minutes=settings.CATALOG_JUDGING_MINUTES)


def _params(judge: Judge, without: list[int]) -> dict[str, Any]:
    account = judge.account.pk if judge.account is not None else None
    return {"name": judge.name, "account": account, "seed": judge.seed, "without": without}
