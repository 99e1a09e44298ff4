"""A run as its container has it: a plain user, a read-only root, only `/tmp`, the home and `/dev/shm` writable.

    python -m tests.e2e.read_only_root [--root FOLDER] [--scenario FILE] [--seconds 8]

Takes this machine's root and this checkout, or the root of an image (`buildah mount`). In mount and process namespaces
of its own it makes every file system read-only and lays empty ones over the writable places, as a pod has `emptyDir`s
there; then it runs the scenario as user 1000, without capabilities and without a way to new privileges. Prints what it
did. Ends with the run's exit status, or with 77 and the reason where namespaces cannot be made.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

#: the exit status of what was skipped, as test runners for other languages have it
SKIPPED = 77
_CHECKOUT = Path(__file__).resolve().parents[2]
#: in the namespace, as root: $1 the root, $2 the home, $3 the scenario's file, then the command
_PREPARE = """
root=$1 home=$2 scenario=$3; shift 3
base=${root%/}
if [ -n "$base" ]; then
  mount --rbind "$root" "$root"
  for place in proc sys dev; do mount --rbind /$place "$base/$place"; done
fi
# Kubernetes leaves proc, sys and dev to the kernel
cut -d' ' -f5 /proc/self/mountinfo | sort -u | grep -Ev "^($base)?/(proc|sys|dev)(/|$)" | while read -r place; do
  mount -o remount,bind,ro "$place" 2>/dev/null || case $base/ in "$place"|"$place"/*) exit 1;; esac
done
for place in /tmp "$home" /dev/shm; do mount -t tmpfs -o mode=1777 empty "$base$place"; done
mkdir "$base/tmp/scenario"
cat "$scenario" > "$base/tmp/scenario/scenario.yaml"
for place in / /etc /opt /usr /var /var/tmp /home /tmp "$home" /dev/shm; do
  if (: > "$base$place/written") 2>/dev/null; then rm "$base$place/written"; echo "writable, by root: $place"
  else echo "read-only, even to root: $place"; fi
done
if [ -n "$base" ]; then cd "$base"; enter="chroot $base"; else cd /; enter=; fi
exec $enter setpriv --reuid=1000 --regid=1000 --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs "$@"
"""
#: in there, as the user: what it is, the run ($1 its python, then its arguments), what that wrote
_RUN = """
python=$1; shift
echo "user $(id -u):$(id -g) $(grep -E '^(CapBnd|CapEff|NoNewPrivs)' /proc/self/status | tr -s '\\t\\n' '  ')"
"$python" -m raysim run /tmp/scenario --ui plain --address local --out "$HOME/results" "$@"
status=$?
echo "left: $(du -sm /tmp | cut -f1) MiB in /tmp, $(du -sm "$HOME" | cut -f1) MiB in the home"
echo "exit status $status"
exit $status
"""


class CannotError(Exception):
    """This machine does not let us imitate a container; the message says why."""


@dataclass(frozen=True)
class Place:
    """Where the run is: its root, and in there its python and its home."""

    root: Path
    python: PurePosixPath
    home: PurePosixPath

    @classmethod
    def of_this_machine(cls) -> Place:
        """This checkout. /mnt is on every machine, and nobody's home."""
        return cls(Path("/"), PurePosixPath(sys.executable), PurePosixPath("/mnt"))

    @classmethod
    def of_image(cls, root: Path) -> Place:
        """The root of an image that was made from the Dockerfile."""
        return cls(root.resolve(), PurePosixPath("/opt/raysim/bin/python"), PurePosixPath("/home/raysim"))


def command(place: Place, scenario: Path, arguments: Sequence[str]) -> list[str]:
    """The whole command, to be run as root.

    Raises:
        CannotError: namespaces cannot be made here.
    """
    if os.geteuid() != 0:
        raise CannotError("mount namespaces need root")
    for program in ("unshare", "setpriv", "mount"):
        if shutil.which(program) is None:
            raise CannotError(f"there is no {program}")
    space = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
    tried = subprocess.run(
        [*space, "mount", "-t", "tmpfs", "empty", "/mnt"], capture_output=True, text=True, check=False
    )
    if tried.returncode:
        raise CannotError(f"namespaces cannot be made: {tried.stderr.strip()}")
    prepare = "".join(_opened(place)) + _PREPARE
    environment = ["env", "-i", f"HOME={place.home}", "LANG=C.UTF-8", "PATH=/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE=1"]
    shell = ["sh", "-euc", prepare, "prepare", str(place.root), str(place.home), str(scenario.resolve())]
    return [*space, *shell, *environment, "sh", "-c", _RUN, "run", str(place.python), *arguments]


def _opened(place: Place) -> Iterator[str]:
    """Commands that let the user come to a Python and a checkout that lie in somebody's closed home."""
    if place.root != Path("/"):
        return
    closed = {folder: _closed_above(folder) for folder in dict.fromkeys((Path(sys.base_prefix), _CHECKOUT))}
    kept = {str(folder): f"/mnt/{number}" for number, (folder, above) in enumerate(closed.items()) if above}
    if kept:
        yield "mount -t tmpfs empty /mnt\n"
    for folder, keep in kept.items():
        yield f"mkdir {keep}; mount --bind {shlex.quote(folder)} {keep}\n"
    for above in {str(above) for above in closed.values() if above}:
        yield f"mount -t tmpfs -o mode=755 empty {shlex.quote(above)}\n"
    for folder, keep in kept.items():
        yield f"mkdir -p {shlex.quote(folder)}; mount --move {keep} {shlex.quote(folder)}\n"


def _closed_above(folder: Path) -> Path | None:
    """The topmost folder on the way that others may not pass."""
    way = [*reversed(folder.parents), folder]
    return next((one for one in way if not one.stat().st_mode & stat.S_IXOTH), None)


def main() -> int:
    """Runs the scenario. Returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="the root of an image, instead of this machine's")
    parser.add_argument("--scenario", type=Path, default=_CHECKOUT / "configs" / "quickstart.yaml")
    parser.add_argument("--seconds", type=float, default=8.0, help="of load, instead of the scenario's phases")
    chosen = parser.parse_args()
    place = Place.of_this_machine() if chosen.root is None else Place.of_image(chosen.root)
    phases = f"[{{name: sustained, duration: {chosen.seconds:g}s, targetActiveUsers: 12}}]"
    arguments = ["--set", f"loadPattern.phases={phases}", "--set", "loadPattern.type=steady"]
    try:
        wanted = command(place, chosen.scenario, arguments)
    except CannotError as error:
        print(f"skipped: {error}")
        return SKIPPED
    print(f"root {place.root}, home {place.home}", flush=True)
    return subprocess.run(wanted, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
