"""What runs left behind, to be read: `open_run(where)` gives lazy frames, the summary, the plan. Only ever reads.

Does I/O on a run's directory; notebooks, reports and other people's scripts rely on the names here.
"""

from raysim.results.newest import newest_runs
from raysim.results.run import Run, open_run

__all__ = ["Run", "newest_runs", "open_run"]
