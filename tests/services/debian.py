"""Programs from Debian, for tests against the real thing: `python -m tests.services.debian` installs them.

They are looked for on the PATH first. Otherwise their packages are downloaded with apt and unpacked below `.venv`:
that needs no root and changes nothing outside of the checkout.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

#: program → Debian package that has it
PACKAGES = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-pushgateway": "prometheus-pushgateway",
    "chromium-headless-shell": "chromium-headless-shell",
}
#: packages that are of no use without others
_WITH_OTHERS = ("chromium-headless-shell",)
#: where packages are unpacked
FOLDER = Path(__file__).resolve().parents[2] / ".venv" / "servers"


class NotInstalledError(Exception):
    """A server program is not there; the message says what would help."""


def program(name: str) -> str:
    """The path of a server program.

    Raises:
        NotInstalledError: it is neither on the PATH nor below `.venv`.
    """
    # some have a script in bin, which knows of no other folder
    unpacked = [FOLDER / "usr" / "lib" / "chromium" / name, FOLDER / "usr" / "bin" / name]
    found = shutil.which(name) or next((str(path) for path in unpacked if path.exists()), None)
    if found is None:
        raise NotInstalledError(f"{name} is not installed: `make test` does it, or `apt-get install {PACKAGES[name]}`")
    return found


def install() -> None:
    """Make every program available that is not yet.

    Raises:
        NotInstalledError: a package cannot be had.
    """
    for package in sorted({package for name, package in PACKAGES.items() if not _there(name)}):
        found = _download(package)
        for other in _others(package):
            _unpack(_download(other))
        # last: what it needs is there when it is
        _unpack(found)


def _there(name: str) -> bool:
    try:
        program(name)
    except NotInstalledError:
        return False
    return True


def _download(package: str) -> Path:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise NotInstalledError(
            f"{package} is missing, and this system has no apt-get and dpkg-deb to fetch it with: "
            "put it on the PATH to test against it"
        )
    folder = FOLDER / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    state, own, download = FOLDER / "apt", _own_lists(), ["download", package]
    attempts: tuple[tuple[list[str], ...], ...] = ((download,), ([*own, "update"], [*own, *download]))
    output = ""
    for steps in attempts:
        for made in ("lists/partial", "cache/archives/partial"):
            (state / made).mkdir(parents=True, exist_ok=True)
        for arguments in steps:
            done = _apt(arguments, folder)
            output = done.stderr.strip()
        found = sorted(folder.glob(f"{package}_*.deb"))
        if found:
            return found[-1]
    raise NotInstalledError(f"{package} could not be downloaded with apt-get: {output}")


def _own_lists() -> list[str]:
    """Options for lists of our own, where the system has none, or older ones than its mirror."""
    state = FOLDER / "apt"
    return ["-o", f"Dir::State::Lists={state / 'lists'}", "-o", f"Dir::Cache={state / 'cache'}"]


def _others(package: str) -> list[str]:
    """The packages that `package` needs and the system does not have."""
    if package not in _WITH_OTHERS:
        return []
    for lists in ([], _own_lists()):
        done = _apt([*lists, "install", "--simulate", "--no-install-recommends", package], FOLDER)
        found = re.findall(r"^Inst (\S+)", done.stdout, re.MULTILINE)
        if found:
            return [name for name in found if name != package]
    return []


def _apt(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(
        ["apt-get", "--quiet", *arguments], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )


def _unpack(package: Path) -> None:
    subprocess.run(["dpkg-deb", "--extract", str(package), str(FOLDER)], check=True)
    package.unlink()


if __name__ == "__main__":
    try:
        install()
    except NotInstalledError as error:
        sys.exit(str(error))
