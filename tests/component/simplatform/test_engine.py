"""The engine model in virtual time: no clock, no event loop."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.simplatform.engine import Engine, EngineProfile, Rejection, Sequence

PROFILE = EngineProfile(
    slots=2,
    max_queue=2,
    kv_cache_tokens=1000,
    prefill_base_s=1.0,
    prefill_per_token_s=0.1,
    step_base_s=0.5,
    step_per_sequence_s=0.25,
)


def profile(**changes: float) -> EngineProfile:
    return EngineProfile(**({name: getattr(PROFILE, name) for name in PROFILE.__slots__} | changes))


def run(engine: Engine) -> None:
    """Advance event by event until nothing is left."""
    while (due := engine.next_event()) is not None:
        engine.advance(due)


@pytest.mark.parametrize(
    ("prompt", "output", "first_token", "finished"),
    [
        (10, 1, 1 + 1 + 0.75, 1 + 1 + 0.75),
        (10, 3, 1 + 1 + 0.75, 1 + 1 + 3 * 0.75),
        (0, 2, 1 + 0.75, 1 + 2 * 0.75),
        (30, 1, 1 + 3 + 0.75, 1 + 3 + 0.75),
    ],
)
def test_one_sequence_takes_prefill_and_steps(prompt: int, output: int, first_token: float, finished: float) -> None:
    engine, sequence = Engine(PROFILE), Sequence(prompt, output)
    engine.submit(sequence, 0.0)
    run(engine)
    assert sequence.first_token_at == pytest.approx(first_token)
    assert sequence.finished_at == pytest.approx(finished)
    assert sequence.emitted == output


def test_a_step_grows_with_its_batch() -> None:
    engine = Engine(PROFILE)
    pair = [Sequence(0, 4), Sequence(0, 4)]
    for sequence in pair:
        engine.submit(sequence, 0.0)
    run(engine)
    # both ends of prefill fall together, but the first begins a step alone; the second joins the next one
    assert pair[0].first_token_at == pytest.approx(1.75)
    assert pair[1].first_token_at == pytest.approx(1.75 + 1.0)
    assert pair[0].finished_at == pytest.approx(1.75 + 3 * 1.0)
    assert pair[1].finished_at == pytest.approx(1.75 + 3 * 1.0 + 0.75)


def test_a_third_sequence_waits_for_a_slot() -> None:
    engine = Engine(PROFILE)
    first, second, third = Sequence(0, 1), Sequence(0, 10), Sequence(0, 1)
    for sequence in (first, second, third):
        engine.submit(sequence, 0.0)
    assert (engine.running, engine.waiting) == (2, 1)
    run(engine)
    assert third.admitted_at == first.finished_at
    assert third.submitted_at == 0.0


def test_the_kv_cache_admits_in_order_and_shows_its_use() -> None:
    engine = Engine(profile(slots=10, kv_cache_tokens=100))
    first, large, small = Sequence(50, 10), Sequence(60, 10), Sequence(10, 1)
    for sequence in (first, large, small):
        engine.submit(sequence, 0.0)
    assert (engine.running, engine.waiting) == (1, 2)
    assert engine.kv_cache_usage == pytest.approx(0.5)
    assert engine.kv_cache_reserved == pytest.approx(0.6)
    run(engine)
    assert large.admitted_at == first.finished_at
    assert small.admitted_at == first.finished_at
    assert engine.kv_cache_usage == 0.0


def test_prompts_take_turns_where_there_are_few_lanes() -> None:
    engine = Engine(profile(slots=10, prefill_lanes=1))
    sequences = [Sequence(0, 0) for _ in range(4)]
    for sequence in sequences:
        engine.submit(sequence, 0.0)
    engine.cancel(sequences[1], 0.0)
    run(engine)
    alone = Engine(PROFILE)
    lonely = Sequence(0, 0)
    alone.submit(lonely, 0.0)
    run(alone)
    # let in at once, and processed one after the other; who has gone takes no turn
    assert [s.admitted_at for s in sequences] == [0.0] * 4
    ready = [s.ready_at for s in sequences if not s.cancelled]
    assert ready == pytest.approx([lonely.ready_at * n for n in (1, 2, 3)])


def test_what_cannot_fit_is_rejected() -> None:
    with pytest.raises(Rejection, match="KV cache"):
        Engine(PROFILE).submit(Sequence(999, 2), 0.0)


def test_a_full_queue_rejects() -> None:
    engine = Engine(PROFILE)
    for _ in range(4):
        engine.submit(Sequence(0, 1), 0.0)
    with pytest.raises(Rejection, match="queue"):
        engine.submit(Sequence(0, 1), 0.0)


def test_without_a_queue_free_slots_are_used() -> None:
    engine = Engine(profile(max_queue=0))
    engine.submit(Sequence(0, 1), 0.0)
    engine.submit(Sequence(0, 1), 0.0)
    with pytest.raises(Rejection):
        engine.submit(Sequence(0, 1), 0.0)


def test_an_embedding_ends_with_its_prefill() -> None:
    engine, sequence = Engine(PROFILE), Sequence(10, 0)
    engine.submit(sequence, 5.0)
    assert engine.advance(6.9) == []
    assert engine.advance(7.0) == [sequence]
    assert sequence.finished_at == pytest.approx(7.0)
    assert engine.running == 0


def test_asking_late_does_not_move_the_schedule() -> None:
    punctual, late = Engine(PROFILE), Engine(PROFILE)
    sequences = [Sequence(0, 5), Sequence(0, 5)]
    punctual.submit(sequences[0], 0.0)
    late.submit(sequences[1], 0.0)
    run(punctual)
    assert late.advance(3.3) == [sequences[1]]
    assert sequences[1].emitted == 3
    late.advance(100.0)
    assert sequences[0].finished_at == sequences[1].finished_at


@pytest.mark.parametrize("when", [0.0, 1.5, 2.0], ids=["in prefill", "in a step", "between tokens"])
def test_a_cancelled_sequence_gives_its_slot_to_the_next(when: float) -> None:
    engine = Engine(profile(slots=1))
    cancelled, following = Sequence(0, 100), Sequence(0, 1)
    engine.submit(cancelled, 0.0)
    engine.submit(following, 0.0)
    engine.advance(when)
    engine.cancel(cancelled, when)
    assert following.admitted_at == when
    run(engine)
    assert following.finished
    assert not cancelled.finished
    assert (engine.running, engine.waiting, engine.kv_cache_usage) == (0, 0, 0.0)


def test_a_cancelled_sequence_leaves_the_queue() -> None:
    engine = Engine(profile(slots=1))
    running, waiting = Sequence(0, 1), Sequence(0, 1)
    engine.submit(running, 0.0)
    engine.submit(waiting, 0.0)
    engine.cancel(waiting, 0.5)
    engine.cancel(waiting, 0.6)
    run(engine)
    assert engine.waiting == 0
    assert waiting.emitted == 0


def test_slowdown_and_weight_stretch_steps() -> None:
    engine, sequence = Engine(PROFILE), Sequence(0, 1, weight=4)
    engine.slowdown = 2.0
    engine.submit(sequence, 0.0)
    run(engine)
    assert sequence.finished_at == pytest.approx(1 + (0.5 + 4 * 0.25) * 2)


def test_the_urgent_go_first() -> None:
    engine = Engine(profile(slots=1))
    running, patient, urgent = Sequence(0, 1), Sequence(0, 1), Sequence(0, 1, urgent=True)
    for sequence in (running, patient, urgent):
        engine.submit(sequence, 0.0)
    run(engine)
    assert urgent.admitted_at < patient.admitted_at


requests = st.lists(
    st.tuples(st.floats(0, 20), st.integers(0, 300), st.integers(0, 30), st.booleans(), st.floats(0, 30)), max_size=40
)


@given(requests)
def test_nothing_is_lost_or_left(submissions: list[tuple[float, int, int, bool, float]]) -> None:
    engine = Engine(profile(slots=3, max_queue=100))
    cancellations: list[tuple[float, int, Sequence]] = []
    sequences: list[Sequence] = []
    deliveries: dict[Sequence, int] = {}

    def advance(now: float) -> None:
        for sequence in engine.advance(now):
            assert sequence.emitted > deliveries.get(sequence, 0) or sequence.finished
            deliveries[sequence] = sequence.emitted
        assert engine.running <= 3
        assert 0 <= engine.kv_cache_usage <= 1

    for at, prompt, output, cancels, after in sorted(submissions):
        for when, _, sequence in [c for c in sorted(cancellations) if c[0] <= at]:
            cancellations.remove((when, sequences.index(sequence), sequence))
            advance(when)
            engine.cancel(sequence, when)
        advance(at)
        sequence = Sequence(prompt, output)
        engine.submit(sequence, at)
        sequences.append(sequence)
        if cancels:
            cancellations.append((at + after, len(sequences) - 1, sequence))
    for when, _, sequence in sorted(cancellations):
        advance(when)
        engine.cancel(sequence, when)
    while (due := engine.next_event()) is not None:
        advance(due)
    for sequence in sequences:
        assert sequence.cancelled != (sequence.finished and sequence.emitted == sequence.output_tokens)
    assert (engine.running, engine.waiting, engine.kv_cache_usage) == (0, 0, 0.0)
