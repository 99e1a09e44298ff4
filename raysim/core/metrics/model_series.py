"""The series of models and backends: how fast they answer, how much, at what price."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

import numpy as np

from raysim.core.aggregation.tables import BucketTable, Keys, QuantileTable, Rows, RowSums
from raysim.core.metrics.cold_starts import ColdStarts
from raysim.core.metrics.family import Family
from raysim.core.metrics.gen_ai import OPERATION_DURATION
from raysim.core.metrics.registry import family
from raysim.core.metrics.rows import Flags, Integers, Numbers, RequestRows, known_sum
from raysim.core.metrics.snapshot import FamilyValues, Point, Spread
from raysim.core.pricing import Price
from raysim.core.records.columns import TextColumn
from raysim.core.records.outcome import ErrorKind, Outcome
from raysim.core.records.request import ABSENT

#: upper bounds of the prompts' lengths that are told apart, in tokens
PROMPT_BOUNDS = (128, 512, 2048, 8192, 32768)
_INTERRUPTED = ("stream_interrupted",)
_FINISHED = ("stop", "length")
_US = 1e-6
_NS = 1e-9


class ModelSeries:
    """Sums up requests by tenant, model and backend.

    Args:
        run_id: for the label.
        pairs: tenants and the models that their users ask for: these are there at zero before anybody answers.
        prices: what is known of the models.
        backends: those that the platform will name, with the model of each, empty for all: there at zero, too.
    """

    def __init__(
        self,
        run_id: str,
        pairs: Iterable[tuple[str, str]],
        prices: Mapping[str, Price],
        backends: Sequence[tuple[str, str]] = (),
    ) -> None:
        self._run_id = run_id
        self._prices = prices
        self._keys, self._backends, self._models, self._prompts = Keys(), Keys(), Keys(), Keys()
        self._interrupted, self._finished = Keys(), Keys()
        self._interruptions, self._finishes = RowSums(), RowSums()
        names = ("time_to_first_token_seconds", "tokens_per_second", "generation_seconds", "prompt_processing_seconds")
        more = ("time_per_output_token_seconds", "chunk_latency_seconds", "prompt_tokens", "completion_tokens")
        self._buckets = {name: BucketTable(family(f"loadtest_llm_{name}").bounds) for name in (*names, *more)}
        self._durations = BucketTable(OPERATION_DURATION.bounds)
        self._ttft, self._latency, self._by_prompt = QuantileTable(), QuantileTable(), QuantileTable()
        self._chunk_rates, self._context = QuantileTable(), QuantileTable()
        self._cold = ColdStarts()
        #: by backend: tokens of successes; rates and their number; price and generation time of streamed successes
        self._prompt, self._completion, self._rates, self._rated = RowSums(), RowSums(), RowSums(), RowSums()
        self._streamed_usd, self._generated_s = RowSums(), RowSums()
        #: by backend: completion tokens of every answer, also of those that failed
        self._produced = RowSums()
        #: by model: tokens and their price, by type
        self._tokens = {"prompt": RowSums(), "completion": RowSums()}
        for org, model in pairs:
            for backend, only in (("", ""), *backends):
                if only in ("", model):
                    self._keys.row((org, model, backend))
                    self._backends.row((model, backend))
        self._before: tuple[float, list[float]] | None = None

    def add(self, requests: RequestRows) -> None:
        """Count those that ask a model."""
        named = _holds_text(requests.model)
        succeeded = requests.ended_in("") & named
        rows = self._keys.rows_of(requests.org_id, requests.model, requests.backend)
        backends = self._backends.rows_of(requests.model, requests.backend)
        ttft_s, generation_s, tps = requests.ttft_s(), requests.generation_s(), requests.tps()
        for name, values in (
            ("time_to_first_token_seconds", ttft_s),
            ("tokens_per_second", tps),
            ("generation_seconds", generation_s),
            ("prompt_processing_seconds", requests.prompt_processing_s()),
            ("time_per_output_token_seconds", requests.tpot_s()),
            ("prompt_tokens", _known(requests.prompt_tokens, succeeded)),
            ("completion_tokens", _known(requests.completion_tokens, succeeded)),
        ):
            known = named & ~np.isnan(values)
            self._buckets[name].add(rows[known], values[known])
        self._add_chunks(requests, succeeded & requests.streamed, rows)
        self._ttft.add(rows[named], ttft_s[named])
        latency_s = requests.latency_s()
        self._latency.add(rows[named], latency_s[named])
        known = named & ~np.isnan(latency_s)
        self._durations.add(rows[known], latency_s[known])
        self._add_by_prompt(requests, ttft_s, named)
        self._add_endings(requests, named)
        self._add_by_backend(requests, succeeded, backends, generation_s, tps)
        streamed = named & ~np.isnan(ttft_s)
        self._cold.add(backends[streamed], (requests.due_unix_ns + requests.sent_ns)[streamed], ttft_s[streamed])
        models = self._models.rows_of(requests.model)
        self._tokens["prompt"].add(models, known_sum(requests.prompt_tokens))
        self._tokens["completion"].add(models, known_sum(requests.completion_tokens))

    def _add_chunks(self, requests: RequestRows, streamed: Flags, rows: Rows) -> None:
        gaps = requests.chunk_gaps_us
        lengths = np.where(streamed, gaps.lengths, 0)
        mine = np.repeat(streamed, gaps.lengths)
        self._buckets["chunk_latency_seconds"].add(np.repeat(rows, lengths), gaps.values[mine].astype(np.float64) * _US)

    def _add_by_prompt(self, requests: RequestRows, ttft_s: Numbers, named: Flags) -> None:
        known = named & (requests.prompt_tokens != ABSENT) & ~np.isnan(ttft_s)
        places = np.searchsorted(PROMPT_BOUNDS, requests.prompt_tokens, side="left")
        column = TextColumn(list(prompt_buckets()), places.astype(np.uint32))
        if known.any():
            picked = TextColumn(column.values, column.codes[known])
            models = TextColumn(requests.model.values, requests.model.codes[known])
            self._by_prompt.add(self._prompts.rows_of(models, picked), ttft_s[known])

    def _add_endings(self, requests: RequestRows, named: Flags) -> None:
        columns = (requests.org_id, requests.model, requests.backend)
        begun = named & (requests.first_token_ns != ABSENT)
        for kind in map(ErrorKind, requests.error_type.values):
            broken = begun & requests.ended_in(kind)
            if kind.outcome is Outcome.ERROR and broken.any():
                picked = _picked((*columns, requests.error_type), broken)
                self._interruptions.add(self._interrupted.rows_of(*picked))
        finished = named & requests.ended_in("") & _holds_text(requests.finish_reason)
        if finished.any():
            self._finishes.add(self._finished.rows_of(*_picked((*columns, requests.finish_reason), finished)))

    def _add_by_backend(
        self,
        requests: RequestRows,
        succeeded: Flags,
        backends: Rows,
        generation_s: Numbers,
        tps: Numbers,
    ) -> None:
        self._prompt.add(backends[succeeded], known_sum(requests.prompt_tokens)[succeeded])
        self._completion.add(backends[succeeded], known_sum(requests.completion_tokens)[succeeded])
        self._produced.add(backends, known_sum(requests.completion_tokens))
        rated = succeeded & ~np.isnan(tps)
        self._rates.add(backends[rated], tps[rated])
        self._rated.add(backends[rated])
        streamed = succeeded & ~np.isnan(generation_s)
        self._streamed_usd.add(backends[streamed], requests.cost_usd[streamed])
        self._generated_s.add(backends[streamed], generation_s[streamed])
        spread = streamed & (requests.chunks > 1) & (generation_s > 0)
        self._chunk_rates.add(backends[spread], (requests.chunks[spread] - 1) / generation_s[spread])
        windows = np.array([self._window(model) for model in requests.model.values])[requests.model.codes]
        used = known_sum(requests.prompt_tokens) + known_sum(requests.completion_tokens)
        known = succeeded & ~np.isnan(windows) & (used > 0)
        self._context.add(backends[known], used[known] / windows[known])

    def _window(self, model: str) -> float:
        price = self._prices.get(model)
        return float(price.context_window) if price is not None and price.context_window else np.nan

    # ── values ──

    def values(self, unix_s: float) -> Iterator[FamilyValues]:
        """All series; rates are those since the last call."""
        rows = self._rows()
        backends = [(row, (self._run_id, *key)) for row, key in enumerate(self._backends) if key[0]]
        for name, table in self._buckets.items():
            yield _bucketed(family(f"loadtest_llm_{name}"), rows, table)
        yield _spreads("ttft_seconds_summary", rows, self._ttft)
        yield _spreads("latency_seconds", rows, self._latency)
        prompts = [(row, (self._run_id, *key)) for row, key in enumerate(self._prompts)]
        yield _spreads("ttft_by_prompt_seconds", prompts, self._by_prompt)
        yield _spreads("chunks_per_second", backends, self._chunk_rates)
        with_window = [(row, labels) for row, labels in backends if not np.isnan(self._window(labels[1]))]
        yield _spreads("context_utilization_ratio", with_window, self._context)
        yield self._endings("stream_interruptions_total", self._interrupted, self._interruptions, _INTERRUPTED)
        yield self._endings("finish_reason_total", self._finished, self._finishes, _FINISHED)
        cold = tuple(Point(labels, self._cold[row]) for row, labels in backends)
        yield FamilyValues(family("loadtest_llm_cold_starts_total"), cold)
        yield from self._gauges(backends, unix_s)

    def operations(self) -> FamilyValues:
        """How long successes took, as OpenTelemetry wants to have it."""
        return _bucketed(OPERATION_DURATION, self._rows(), self._durations)

    def _rows(self) -> list[tuple[int, tuple[str, ...]]]:
        return [(row, (self._run_id, *key)) for row, key in enumerate(self._keys) if key[1]]

    def _endings(self, name: str, keys: Keys, sums: RowSums, always: tuple[str, ...]) -> FamilyValues:
        for org, model, backend in self._keys:
            for reason in always:
                if model:
                    keys.row((org, model, backend, reason))
        points = (Point((self._run_id, *key), sums[row]) for row, key in enumerate(keys))
        return FamilyValues(family(f"loadtest_llm_{name}"), tuple(points))

    def _gauges(self, backends: list[tuple[int, tuple[str, ...]]], unix_s: float) -> Iterator[FamilyValues]:
        produced = [self._produced[row] for row, _ in backends]
        before, self._before = self._before, (unix_s, produced)
        efficiency, speed, ratio, per_second, tps_per_usd = [], [], [], [], []
        per_million = {model: usd for (model, kind), usd in self._usd_per_million().items() if kind == "total"}
        for place, (row, labels) in enumerate(backends):
            model = labels[1]
            if before is not None and unix_s > before[0]:
                earlier = before[1][place] if place < len(before[1]) else 0.0
                speed.append(Point(labels, (produced[place] - earlier) / (unix_s - before[0])))
            if self._prompt[row] and self._completion[row]:
                ratio.append(Point(labels, self._completion[row] / self._prompt[row]))
            if self._generated_s[row]:
                per_second.append(Point(labels, self._streamed_usd[row] / self._generated_s[row]))
            if not self._rated[row]:
                continue
            mean_tps = self._rates[row] / self._rated[row]
            price = self._prices.get(model)
            if price is not None and price.theoretical_tps:
                efficiency.append(Point(labels, mean_tps / price.theoretical_tps))
            if per_million.get(model):
                tps_per_usd.append(Point(labels, mean_tps / per_million[model]))
        yield FamilyValues(family("loadtest_llm_tps_efficiency_ratio"), tuple(efficiency))
        yield FamilyValues(family("loadtest_llm_backend_tokens_per_second"), tuple(speed))
        yield FamilyValues(family("loadtest_llm_token_ratio"), tuple(ratio))
        cost = tuple(Point((self._run_id, *key), usd) for key, usd in self._usd_per_million().items())
        yield FamilyValues(family("loadtest_cost_usd_per_million_tokens"), cost)
        yield FamilyValues(family("loadtest_cost_usd_per_generation_second"), tuple(per_second))
        yield FamilyValues(family("loadtest_cost_tps_per_usd"), tuple(tps_per_usd))

    def _usd_per_million(self) -> dict[tuple[str, str], float]:
        """By model and type of token, for those that there were."""
        found: dict[tuple[str, str], float] = {}
        for row, (model,) in enumerate(self._models):
            price = self._prices.get(model)
            if price is None:
                continue
            sides = {
                "prompt": (self._tokens["prompt"][row], price.input_usd_per_million),
                "completion": (self._tokens["completion"][row], price.output_usd_per_million),
            }
            found |= {(model, side): usd for side, (tokens, usd) in sides.items() if tokens}
            total = sum(tokens for tokens, _ in sides.values())
            if total:
                found[model, "total"] = sum(tokens * usd for tokens, usd in sides.values()) / total
        return found


def prompt_buckets() -> Iterator[str]:
    """What the lengths are called that are told apart: `1-128` and so on."""
    lower = chain((1,), (bound + 1 for bound in PROMPT_BOUNDS))
    for first, last in zip(lower, PROMPT_BOUNDS, strict=False):
        yield f"{first}-{last}"
    yield f"{PROMPT_BOUNDS[-1] + 1}+"


def _bucketed(found: Family, rows: list[tuple[int, tuple[str, ...]]], table: BucketTable) -> FamilyValues:
    series = []
    for row, labels in rows:
        *parts, count = table.cumulative(row)
        series.append(Spread(labels, tuple(parts), table.sum(row), count))
    return FamilyValues(found, tuple(series))


def _spreads(name: str, rows: list[tuple[int, tuple[str, ...]]], table: QuantileTable) -> FamilyValues:
    found = family(f"loadtest_llm_{name}")
    quantiles = table.quantiles(max((row for row, _ in rows), default=-1) + 1, found.shares)
    return FamilyValues(
        found,
        tuple(Spread(labels, tuple(quantiles[row].tolist()), table.sum(row), table.count(row)) for row, labels in rows),
    )


def _holds_text(column: TextColumn) -> Flags:
    """Where something is written."""
    return np.array([bool(value) for value in column.values], dtype=np.bool_)[column.codes]


def _picked(columns: Iterable[TextColumn], rows: Flags) -> list[TextColumn]:
    return [TextColumn(column.values, column.codes[rows]) for column in columns]


def _known(values: Integers, where: Flags) -> Numbers:
    return np.where(where & (values != ABSENT), values, np.nan)
