"""The task-sampling schedule: exact small examples, and properties of all schedules."""

from collections import Counter
from itertools import chain, cycle, islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emo_mtl.data.schedule import (
    BatchId,
    endless_steps,
    pass_steps,
    proportional,
    round_robin,
    temperature,
)

sizes = st.lists(st.integers(1, 12), min_size=1, max_size=4)
shards = st.integers(1, 5)
epochs = st.integers(1, 4)
seeds = st.integers(0, 1000)


def positions(steps) -> list[list[tuple[int, int]]]:
    """(cycle, position) of each rank's batch, step by step."""
    return [[(batch.cycle, batch.position) for batch in step] for step in steps]


def tasks_of(steps) -> list[int]:
    return [step[0].task for step in steps]


class TestPassSteps:
    def test_one_rank(self):
        assert pass_steps(2, 0, 3, 1) == [[BatchId(2, 0, i)] for i in range(3)]

    def test_last_step_is_filled_from_the_start(self):
        assert positions(pass_steps(0, 1, 5, 3)) == [
            [(1, 0), (1, 1), (1, 2)],
            [(1, 3), (1, 4), (1, 0)],
        ]

    def test_task_smaller_than_the_number_of_ranks(self):
        assert positions(pass_steps(0, 0, 2, 5)) == [[(0, 0), (0, 1), (0, 0), (0, 1), (0, 0)]]

    @given(sizes, shards)
    def test_complete(self, num_batches, num_shards):
        """Every batch once, and fewer than `num_shards` extra ones in the last step."""
        steps = pass_steps(0, 0, num_batches[0], num_shards)
        batches = list(chain.from_iterable(steps))
        assert batches[: num_batches[0]] == [BatchId(0, 0, i) for i in range(num_batches[0])]
        assert 0 <= len(batches) - num_batches[0] < num_shards


class TestEndlessSteps:
    def test_passes_follow_each_other(self):
        assert positions(endless_steps(1, 3, 2, first=0, count=3)) == [
            [(0, 0), (0, 1)],
            [(0, 2), (1, 0)],
            [(1, 1), (1, 2)],
        ]

    def test_starts_in_the_middle(self):
        assert positions(endless_steps(1, 3, 1, first=4, count=2)) == [[(1, 1)], [(1, 2)]]

    @given(st.integers(1, 9), shards, st.integers(0, 9), st.integers(0, 9))
    def test_no_gap_and_no_repetition(self, num_batches, num_shards, first, count):
        together = endless_steps(1, num_batches, num_shards, 0, first + count)
        assert together[first:] == endless_steps(1, num_batches, num_shards, first, count)
        expected = [
            BatchId(1, *divmod(i, num_batches)) for i in range((first + count) * num_shards)
        ]
        assert list(chain.from_iterable(together)) == expected


class TestRoundRobin:
    def test_example(self):
        """Three batches of R, two of E6, one of E2: R E6 E2, three times."""
        assert list(chain.from_iterable(round_robin([3, 2, 1], 1, epoch=1))) == [
            BatchId(0, 0, 0),
            BatchId(1, 0, 0),
            BatchId(2, 0, 0),
            BatchId(0, 0, 1),
            BatchId(1, 0, 1),
            BatchId(2, 1, 0),
            BatchId(0, 0, 2),
            BatchId(1, 1, 0),
            BatchId(2, 2, 0),
        ]

    def test_second_epoch_goes_on(self):
        """R starts its second pass; E6 goes on with the other half of its second pass."""
        second = round_robin([3, 2], 1, epoch=2)
        assert [step[0] for step in second if step[0].task == 0] == [
            BatchId(0, 1, i) for i in range(3)
        ]
        assert [step[0] for step in second if step[0].task == 1] == [
            BatchId(1, 1, 1),
            BatchId(1, 2, 0),
            BatchId(1, 2, 1),
        ]

    def test_two_ranks(self):
        assert round_robin([3, 1], 2, epoch=1) == [
            [BatchId(0, 0, 0), BatchId(0, 0, 1)],
            [BatchId(1, 0, 0), BatchId(1, 1, 0)],
            [BatchId(0, 0, 2), BatchId(0, 0, 0)],
            [BatchId(1, 2, 0), BatchId(1, 3, 0)],
        ]

    def test_single_task(self):
        assert round_robin([4], 1, epoch=3) == [[BatchId(0, 2, i)] for i in range(4)]

    @given(sizes, shards, epochs)
    def test_order_of_tasks(self, num_batches, num_shards, epoch):
        steps = round_robin(num_batches, num_shards, epoch)
        assert tasks_of(steps) == list(islice(cycle(range(len(num_batches))), len(steps)))

    @given(sizes, shards, epochs)
    def test_epoch_is_one_pass_over_the_first_task(self, num_batches, num_shards, epoch):
        steps = round_robin(num_batches, num_shards, epoch)
        assert [s for s in steps if s[0].task == 0] == pass_steps(
            0, epoch - 1, num_batches[0], num_shards
        )

    @given(sizes, shards)
    def test_cycles_go_on_over_epochs(self, num_batches, num_shards):
        steps = [s for epoch in (1, 2, 3) for s in round_robin(num_batches, num_shards, epoch)]
        for task, num in enumerate(num_batches[1:], start=1):
            own = [batch for step in steps for batch in step if batch.task == task]
            assert own == [BatchId(task, *divmod(i, num)) for i in range(len(own))]


class TestProportional:
    def test_holds_every_batch_once(self):
        steps = proportional([3, 2, 1], 1, epoch=2, seed=7)
        assert sorted(batch for step in steps for batch in step) == [
            BatchId(0, 1, 0),
            BatchId(0, 1, 1),
            BatchId(0, 1, 2),
            BatchId(1, 1, 0),
            BatchId(1, 1, 1),
            BatchId(2, 1, 0),
        ]

    @given(sizes, shards, epochs, seeds)
    def test_permutation_of_the_passes(self, num_batches, num_shards, epoch, seed):
        steps = proportional(num_batches, num_shards, epoch, seed)
        expected = [
            step
            for task, num in enumerate(num_batches)
            for step in pass_steps(task, epoch - 1, num, num_shards)
        ]
        assert Counter(map(tuple, steps)) == Counter(map(tuple, expected))

    def test_differs_by_epoch_and_seed(self):
        orders = [tasks_of(proportional([30, 30], 1, e, s)) for e, s in ((1, 1), (2, 1), (1, 2))]
        assert orders[0] != orders[1] != orders[2] != orders[0]

    def test_tasks_are_mixed(self):
        """In 20 + 20 batches at least one task change before the first task ends."""
        assert tasks_of(proportional([20, 20], 1, 1, 1)) not in (
            [0] * 20 + [1] * 20,
            [1] * 20 + [0] * 20,
        )


class TestTemperature:
    def counts(self, num_batches, degree, num_shards=1, epoch=1) -> Counter:
        return Counter(tasks_of(temperature(num_batches, num_shards, epoch, 1, degree)))

    @pytest.mark.parametrize(
        ("degree", "expected"),
        [
            (1, {0: 100, 1: 25, 2: 4}),
            (2, {0: 100, 1: 50, 2: 20}),  # square roots
            (1e9, {0: 100, 1: 100, 2: 100}),
            (float("inf"), {0: 100, 1: 100, 2: 100}),
        ],
    )
    def test_by_hand(self, degree, expected):
        assert self.counts([100, 25, 4], degree) == expected

    def test_a_task_larger_than_the_first(self):
        assert self.counts([25, 100], 2) == {0: 25, 1: 50}

    @given(sizes, epochs, seeds)
    def test_degree_1_is_proportional(self, num_batches, epoch, seed):
        """On one rank; on several, that one's passes end with steps that are filled."""
        found = temperature(num_batches, 1, epoch, seed, 1)
        assert found == proportional(num_batches, 1, epoch, seed)

    @given(sizes, shards, epochs, st.floats(1, 20))
    def test_first_task_is_passed_once(self, num_batches, num_shards, epoch, degree):
        steps = temperature(num_batches, num_shards, epoch, 1, degree)
        primary = [step for step in steps if step[0].task == 0]
        expected = pass_steps(0, epoch - 1, num_batches[0], num_shards)
        assert sorted(primary) == sorted(expected)

    @given(sizes, shards, st.floats(1, 20))
    def test_others_go_on_over_epochs(self, num_batches, num_shards, degree):
        """No batch of a task is left out or comes early: the epochs together are passes in order."""
        steps = [
            step
            for epoch in range(1, 6)
            for step in temperature(num_batches, num_shards, epoch, 1, degree)
        ]
        primary = len(pass_steps(0, 0, num_batches[0], num_shards))
        for task, num in enumerate(num_batches[1:], start=1):
            own = sorted(step for step in steps if step[0].task == task)
            batches = sorted(chain.from_iterable(own))
            assert batches == list(
                chain.from_iterable(endless_steps(task, num, num_shards, 0, len(own)))
            )
            assert len(own) == round(5 * primary * (num / num_batches[0]) ** (1 / degree))

    def test_order_depends_on_the_seed(self):
        assert temperature([9, 9], 1, 1, 1, 2) != temperature([9, 9], 1, 1, 2, 2)


@pytest.mark.parametrize("sampling", ["round-robin", "proportional", "temperature"])
class TestEverySchedule:
    def schedule(self, sampling, num_batches, num_shards, epoch, seed):
        if sampling == "proportional":
            return proportional(num_batches, num_shards, epoch, seed)
        if sampling == "temperature":
            return temperature(num_batches, num_shards, epoch, seed, degree=3)
        return round_robin(num_batches, num_shards, epoch)

    @given(sizes, shards, epochs, seeds)
    @settings(max_examples=50)
    def test_one_task_on_all_ranks(self, sampling, num_batches, num_shards, epoch, seed):
        for step in self.schedule(sampling, num_batches, num_shards, epoch, seed):
            assert len(step) == num_shards
            assert len({batch.task for batch in step}) == 1

    @given(sizes, shards, epochs, seeds)
    @settings(max_examples=50)
    def test_ranks_get_different_batches(self, sampling, num_batches, num_shards, epoch, seed):
        for step in self.schedule(sampling, num_batches, num_shards, epoch, seed):
            if num_batches[step[0].task] >= num_shards:
                assert len({batch.position for batch in step}) == num_shards

    @given(sizes, shards, epochs, seeds)
    @settings(max_examples=50)
    def test_deterministic(self, sampling, num_batches, num_shards, epoch, seed):
        one, two = (self.schedule(sampling, num_batches, num_shards, epoch, seed) for _ in range(2))
        assert one == two

    @given(sizes, shards, epochs, seeds)
    @settings(max_examples=50)
    def test_positions_exist(self, sampling, num_batches, num_shards, epoch, seed):
        for step in self.schedule(sampling, num_batches, num_shards, epoch, seed):
            assert all(0 <= batch.position < num_batches[batch.task] for batch in step)
