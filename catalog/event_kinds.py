"""Kinds of events, and which of them say that a person wanted the item."""

from django.db import models


class EventKind(models.IntegerChoices):
    """What happened. The number is stored, the lower-case name is what callers write."""

    VIEW = 1, "view"
    CLICK = 2, "click"
    PLAY = 3, "play"
    LIKE = 4, "like"
    DISLIKE = 5, "dislike"
    ADD = 6, "add"
    PURCHASE = 7, "purchase"
    RATING = 8, "rating"
    IMPRESSION = 9, "impression"
    DISMISS = 10, "dismiss"
    HIDE = 11, "hide"


# An act toward the item; a view may be a mistake, an impression is ours and not theirs.
WANTED = (EventKind.CLICK, EventKind.PLAY, EventKind.LIKE, EventKind.ADD, EventKind.PURCHASE)
UNWANTED = (EventKind.DISLIKE, EventKind.DISMISS, EventKind.HIDE)
# On the usual scale of 0.5 to 5: the median rating of the demo's people is 4.
LEAST_GOOD_RATING = 3.5
