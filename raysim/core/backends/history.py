"""One backend's metrics page over time: what stands there now, and by how much counters have grown since last time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from raysim.core.backends.exposition import Sample, read_samples
from raysim.core.backends.reading import BackendReading
from raysim.core.backends.target import BackendTarget
from raysim.core.backends.vocabulary import VOCABULARIES, Term, Terms, Vocabulary

Samples = Mapping[str, list[Sample]]
#: a counter's field and the labels of one of its series
_Series = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class _Counted:
    """Counters at a moment (monotonic seconds), series by series: one engine may restart while others go on."""

    at_s: float
    series: dict[_Series, float] = field(default_factory=dict)


class BackendHistory:
    """Makes readings of a page's text. Keeps the counters of the last page and nothing else.

    Args:
        target: which page.
    """

    def __init__(self, target: BackendTarget) -> None:
        self._target = target
        self._vocabulary = VOCABULARIES[target.kind]
        self._names = self._vocabulary.names()
        self._before: _Counted | None = None

    def read(self, text: str, *, unix_s: float, at_s: float, took_s: float) -> tuple[BackendReading, ...]:
        """Readings of a page; of a `dcgm` page one a GPU, else one.

        Args:
            text: the page.
            unix_s: wall time.
            at_s: the same moment on a clock that only grows.
            took_s: how long the page took.
        """
        samples = self._of_model(read_samples(text, self._names))
        if not any(samples.values()):
            return self.missed(f"the page holds none of the metrics of {self._target.kind}", unix_s=unix_s)
        if self._vocabulary.role == "gpu":
            return self._gpus(samples, unix_s, took_s)
        now = _Counted(at_s, _counters(self._vocabulary, samples))
        gauges = _gauges(self._vocabulary, samples)
        grown, restarted = _growth(self._before, now)
        interval_s = None if self._before is None else at_s - self._before.at_s
        self._before = now
        return (
            BackendReading(
                self._target.id,
                self._target.kind,
                unix_s,
                up=True,
                scrape_s=took_s,
                interval_s=interval_s,
                restarted=restarted,
                saturation_ratio=saturation(gauges, self._target.capacity),
                **gauges,
                **grown,
            ),
        )

    def missed(self, why: str, *, unix_s: float) -> tuple[BackendReading, ...]:
        """The reading of a page that could not be read; the next interval spans the gap."""
        return (BackendReading(self._target.id, self._target.kind, unix_s, up=False, why=why),)

    def _of_model(self, samples: dict[str, list[Sample]]) -> Samples:
        model, labels = self._target.model, self._vocabulary.model_labels
        if not model or not labels:
            return samples
        return {name: [s for s in found if _is_of(s, model, labels)] for name, found in samples.items()}

    def _gpus(self, samples: Samples, unix_s: float, took_s: float) -> tuple[BackendReading, ...]:
        by_gpu: dict[str, dict[str, list[Sample]]] = {}
        for name, found in samples.items():
            for sample in found:
                part = sample.labels.get("GPU_I_ID", "")
                gpu = sample.labels.get("gpu", "") + (f".{part}" if part else "")
                by_gpu.setdefault(gpu, {}).setdefault(name, []).append(sample)
        return tuple(self._gpu(gpu, by_gpu[gpu], unix_s, took_s) for gpu in sorted(by_gpu))

    def _gpu(self, gpu: str, samples: Samples, unix_s: float, took_s: float) -> BackendReading:
        values = _gauges(self._vocabulary, samples)
        used, free = values.get("used"), values.get("free")
        whole = None if used is None or free is None else used + free + values.get("reserved", 0.0)
        return BackendReading(
            self._target.id,
            self._target.kind,
            unix_s,
            up=True,
            gpu=gpu,
            scrape_s=took_s,
            gpu_utilization_ratio=values.get("gpu_utilization_ratio"),
            gpu_memory_ratio=used / whole if used is not None and whole else None,
        )


def saturation(gauges: Mapping[str, float], capacity: int | None) -> float | None:
    """How full an engine is, 0 to 1: 1 whenever requests wait, else running / capacity or the KV cache in use.

    None when none of it is known.
    """
    if gauges.get("waiting", 0.0) > 0:
        return 1.0
    running, kv_cache = gauges.get("running"), gauges.get("kv_cache_ratio")
    known = [] if kv_cache is None else [kv_cache]
    if running is not None and capacity:
        known.append(running / capacity)
    return min(1.0, max(known)) if known else None


def _is_of(sample: Sample, model: str, labels: tuple[str, ...]) -> bool:
    """Series that name no model belong to every model."""
    named = [sample.labels[label] for label in labels if label in sample.labels]
    return not named or model in named


def _gauges(vocabulary: Vocabulary, samples: Samples) -> dict[str, Any]:
    found = {name: sum(values) for name, values in _values(vocabulary.gauges, samples)}
    found |= {name: max(values) for name, values in _values(vocabulary.ratios, samples)}
    if vocabulary.kv_blocks is not None:
        tokens = _kv_tokens(samples.get(vocabulary.kv_blocks[0], []), *vocabulary.kv_blocks[1:])
        found |= {} if tokens is None else {"kv_cache_tokens": tokens}
    return found


def _values(terms: Terms, samples: Samples) -> list[tuple[str, list[float]]]:
    found = []
    for name, candidates in terms.items():
        term, matching = _first(candidates, samples)
        if term is not None:
            found.append((name, [sample.value * term.scale for sample in matching]))
    return found


def _first(candidates: tuple[Term, ...], samples: Samples) -> tuple[Term | None, list[Sample]]:
    for term in candidates:
        matching = [s for s in samples.get(term.name, []) if all(s.labels.get(k) == v for k, v in term.where)]
        if matching:
            return term, matching
    return None, []


def _kv_tokens(infos: list[Sample], blocks: str, size: str) -> float | None:
    """All blocks of all engines, in tokens; labels may say `None`."""
    total = 0.0
    for info in infos:
        try:
            total += int(info.labels.get(blocks, "")) * int(info.labels.get(size, ""))
        except ValueError:
            return None
    return total or None


def _counters(vocabulary: Vocabulary, samples: Samples) -> dict[_Series, float]:
    found: dict[_Series, float] = {}
    for name, candidates in vocabulary.every_counter():
        term, matching = _first(candidates, samples)
        if term is not None:
            for sample in matching:
                found[name, tuple(sorted(sample.labels.items()))] = sample.value * term.scale
    return found


def _growth(before: _Counted | None, now: _Counted) -> tuple[dict[str, Any], bool]:
    """By how much each counter has grown, and whether one went back.

    As Prometheus has it: a counter that is smaller than before has begun at 0 since, and so has a new series.
    """
    if before is None:
        return {}, False
    grown: dict[str, float] = {}
    restarted = False
    for (name, labels), value in now.series.items():
        earlier = before.series.get((name, labels), 0.0)
        if value < earlier:
            restarted, earlier = True, 0.0
        grown[name] = grown.get(name, 0.0) + value - earlier
    return grown, restarted
