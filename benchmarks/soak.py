"""An hour's records in fast-forward: does memory stay flat, and are live percentiles within 1 % of the exact ones?

    python -m benchmarks.soak [--records 10000000]

Every batch travels as bytes and is decoded as a metrics actor does it; every record has times of its own. Exit
status 1 when memory grew by more than 1 MiB between a tenth of the way and the end, or a percentile is further off.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter, process_time

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.memory import resident_mib
from benchmarks.rows import encode, records
from raysim.core.aggregation.histogram import Histogram
from raysim.core.aggregation.live import LiveTotals
from raysim.core.records.batch import WireBatch, decode_batch

SHARES = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
TOLERANCE = 0.01
GROWTH_MIB = 1.0
_ROWS = 120
_EARLY = 0.1


@dataclass(frozen=True, slots=True)
class SoakFigures:
    """How it went: memory in MiB, relative errors of the live percentiles, CPU microseconds a record."""

    records: int
    early_mib: float
    end_mib: float
    ttft_errors: tuple[float, ...]
    latency_errors: tuple[float, ...]
    cpu_us: float
    seconds: float

    @property
    def worst_error(self) -> float:
        """The largest of them."""
        return max(*self.ttft_errors, *self.latency_errors)

    @property
    def holds(self) -> bool:
        """Whether memory was flat and every percentile close enough."""
        return self.worst_error <= TOLERANCE and self.end_mib - self.early_mib <= GROWTH_MIB


class Recorder:
    """Makes batches whose times are all different, and keeps every time for the exact percentiles.

    Args:
        count: how many records there will be; room for their times is taken, and touched, at once.
        seed: of the times.
    """

    def __init__(self, count: int, seed: int = 7) -> None:
        self._random = np.random.default_rng(seed)
        (template,) = encode(list(records(_ROWS)))
        self._template = decode_batch(template)
        self.ttft_s = np.full(count, np.nan, dtype=np.float32)
        self.latency_s = np.full(count, np.nan, dtype=np.float32)
        self._filled = 0

    def batch(self) -> bytes:
        """The next batch, as bytes."""
        rows = min(_ROWS, self.ttft_s.size - self._filled)
        sent_ns = self._random.integers(5_000, 90_000, rows)
        ttft_ns = self._random.lognormal(np.log(3e8), 0.8, rows).astype(np.int64)
        rest_ns = self._random.gamma(4.0, 6e8, rows).astype(np.int64)
        here = slice(self._filled, self._filled + rows)
        self.ttft_s[here] = ttft_ns * 1e-9
        self.latency_s[here] = (ttft_ns + rest_ns) * 1e-9
        self._filled += rows
        times = {"sent_ns": sent_ns, "first_token_ns": sent_ns + ttft_ns, "end_ns": sent_ns + ttft_ns + rest_ns}
        return msgspec.msgpack.encode(_with_times(self._template, rows, times))


def _with_times(template: WireBatch, rows: int, times: dict[str, NDArray[np.int64]]) -> WireBatch:
    """The first `rows` rows of a batch, with other times."""

    def cut(data: bytes) -> bytes:
        return data[: len(data) // template.rows * rows]

    numbers = {name: cut(data) for name, data in template.numbers.items()}
    numbers |= {name: values.tobytes() for name, values in times.items()}
    texts = {name: (values, cut(codes)) for name, (values, codes) in template.texts.items()}
    return msgspec.structs.replace(template, rows=rows, numbers=numbers, texts=texts)


def soak(count: int, memory: Callable[[], float] = resident_mib) -> SoakFigures:
    """Send `count` records through decoding and live totals.

    Args:
        count: how many; at least ten.
        memory: measures the memory in use, in MiB.

    Raises:
        RuntimeError: the totals lost or invented records.
    """
    recorder, totals = Recorder(count), LiveTotals()
    started_s, cpu_s, early_mib = perf_counter(), 0.0, 0.0
    while totals.requests < count:
        data = recorder.batch()
        before_s = process_time()
        totals.add(decode_batch(data))
        cpu_s += process_time() - before_s
        if not early_mib and totals.requests >= count * _EARLY:
            early_mib = memory()
    seconds, end_mib = perf_counter() - started_s, memory()
    seen = totals.snapshot()
    if not seen.requests == seen.success == totals.ttft.count == totals.latency.count == count:
        raise RuntimeError(f"{count} records went in, {seen} came out")
    return SoakFigures(
        records=count,
        early_mib=early_mib,
        end_mib=end_mib,
        ttft_errors=errors(totals.ttft, recorder.ttft_s),
        latency_errors=errors(totals.latency, recorder.latency_s),
        cpu_us=cpu_s / count * 1e6,
        seconds=seconds,
    )


def errors(live: Histogram, exact: NDArray[np.float32]) -> tuple[float, ...]:
    """By how much the live percentiles are off, relative to the exact ones."""
    found = np.array([live.quantile(share) for share in SHARES], dtype=np.float64)
    truth = np.quantile(exact, SHARES)
    return tuple(float(error) for error in np.abs(found / truth - 1))


def main() -> None:
    """Play the records, print how it went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=10_000_000)
    figures = soak(parser.parse_args().records)
    names = "  ".join(f"p{share * 100:g}" for share in SHARES)
    print(f"{figures.records:,} records in {figures.seconds:.0f} s, {figures.cpu_us:.2f} us of CPU each")
    print(f"memory {figures.early_mib:.1f} MiB after a tenth, {figures.end_mib:.1f} MiB at the end")
    print(f"error of live percentiles ({names})")
    print("  time to first token  " + "  ".join(f"{error:.3%}" for error in figures.ttft_errors))
    print("  latency              " + "  ".join(f"{error:.3%}" for error in figures.latency_errors))
    print("holds" if figures.holds else f"DOES NOT HOLD: more than {TOLERANCE:.0%} off, or over {GROWTH_MIB} MiB more")
    sys.exit(not figures.holds)


if __name__ == "__main__":
    main()
