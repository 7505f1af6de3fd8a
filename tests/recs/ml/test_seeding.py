import random

import numpy as np
import torch

from recs.ml.seeding import array_generator, generator, seed_everything, seed_step


def test_all_global_generators_start_anew():
    def drawn() -> list[float]:
        return [random.random(), float(np.random.random()), float(torch.rand(()))]

    seed_everything(7)
    first = drawn()
    assert drawn() != first
    seed_everything(7)
    assert drawn() == first
    seed_everything(8)
    assert all(a != b for a, b in zip(drawn(), first, strict=True))


def test_a_seed_past_32_bits_is_taken():
    seed_everything(2**40 + 1)
    assert generator(2**40 + 1).initial_seed() != generator(1).initial_seed()


def test_streams_of_a_seed_differ_and_repeat():
    def drawn(*stream: int) -> list[float]:
        return torch.rand(4, generator=generator(*stream)).tolist()

    streams = [(0,), (1,), (0, 0), (0, 1), (1, 0), (0, 0, 1)]
    results = [drawn(*stream) for stream in streams]
    assert results == [drawn(*stream) for stream in streams]
    # A trailing 0 is a stream of its own too; all differ from each other.
    assert len({tuple(result) for result in results}) == len(streams)


def test_array_streams_differ_and_repeat():
    assert array_generator(0, 1).random() == array_generator(0, 1).random()
    assert array_generator(0, 1).random() != array_generator(0, 2).random()


def test_a_step_draws_the_same_wherever_the_run_began():
    seed_step(3, 1, 5)
    wanted = torch.rand(3)
    seed_step(3, 0, 0)
    torch.rand(100)
    seed_step(3, 1, 5)
    assert torch.equal(torch.rand(3), wanted)
