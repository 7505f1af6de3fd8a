"""What can go wrong in training and with what it writes, by name."""


class NothingToLearn(ValueError):
    """There is no event to predict: no history has two events, or there is none at all."""


class NonFiniteLoss(ArithmeticError):
    """The loss or its gradient became infinite or not a number; the weights are of no use."""


class Cancelled(RuntimeError):
    """Somebody asked the run to stop. What was checkpointed stays and can be resumed."""


class OutOfMemory(MemoryError):
    """Not even one row of a batch fits into the device's memory."""


class CannotWrite(OSError):
    """A folder could not be written, a full disk being the usual cause; none of it counts."""


class CheckpointMismatch(ValueError):
    """The checkpoint is of another run: another network, config or data."""


class ArtifactError(ValueError):
    """The folder is not a complete, untouched artifact of a kind this code can read."""
