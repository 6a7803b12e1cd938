"""The service without root on a tree that nobody can write: it answers, and may do nothing else.

    python benchmarks/reliability/serve_read_only.py                             (Linux)

In a mount namespace of its own, which wants root or user namespaces, every disk is remounted
read-only, temporary ones too; then the service gives up root, every capability and the right to get
new ones. Every sample has to be read as `Reader` reads it, every hostile request refused with its
reason, and SIGTERM has to end it with status 0. Status 1 where anything is otherwise.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

import chepai
from killing import ROOT
from load_clients import Asked, Load, ask_on
from load_requests import all_requests
from service_process import Service

NOBODY = "65534"
INSIDE = "--inside"
_ROOTED = () if os.geteuid() == 0 else ("--user", "--map-root-user")
NAMESPACE = ("unshare", *_ROOTED, "--mount", "--")
# What the kernel makes up as it is asked; disks are not among them.
_KERNEL = {"proc", "sysfs", "devtmpfs", "devpts", "mqueue", "cgroup", "cgroup2"}


def main() -> int:
    """Prints what the service may do, and what it did."""
    if INSIDE in sys.argv:
        close_the_tree()
        give_up_rights(sys.argv[sys.argv.index(INSIDE) + 1 :])
    found = serve(10.0)
    told = (f"{name} {value}" for name, value in found.rights.items())
    print("| rights | disks that it can write | readings | refused | wrong | lost | exit status |")
    print("|---|---|---|---|---|---|---|")
    load = found.load
    print(
        f"| {', '.join(told)} | {', '.join(found.writable) or 'none'} | {load.readings} | "
        f"{load.hostile} | {load.wrong} | {load.lost} | {found.status} |"
    )
    print(*load.examples, sep="\n")
    return int(not found.good)


@dataclass
class Served:
    """What a service may do, what four clients saw of it, and the status it ended with."""

    rights: dict[str, str]
    writable: list[str]
    load: Load
    status: int = 0

    @property
    def good(self) -> bool:
        """Whether it did all that it should, and may do nothing else."""
        few = (self.rights["CapEff"], self.rights["NoNewPrivs"]) == ("0" * 16, "1")
        none = self.rights["Uid"] != "0" and not self.writable
        load = self.load
        return few and none and load.readings > 0 and not (load.wrong or load.lost or self.status)


def serve(seconds: float) -> Served:
    """Starts it, asks it for so long, and ends it."""
    asked, load = Asked(*all_requests("default")), Load()
    before = [*NAMESPACE, sys.executable, __file__, INSIDE]
    with Service(None, "--quiet", before=before) as service:
        process = service.process.pid
        found = Served(rights(process), writable_disks(process), load)
        asyncio.run(ask_for(service.port, asked, load, seconds))
        found.status = service.end()
    return found


async def ask_for(port: int, asked: Asked, found: Load, seconds: float) -> None:
    """Four clients for a while."""
    ending = asyncio.Event()
    asking = [asyncio.create_task(ask_on(port, asked, n, found, ending)) for n in range(4)]
    await asyncio.sleep(seconds)
    ending.set()
    await asyncio.gather(*asking)


def rights(process: int) -> dict[str, str]:
    """The account, the capabilities, and whether new ones can be had."""
    status = Path(f"/proc/{process}/status").read_text("ascii")
    found = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return {name: found[name].split()[0] for name in ("Uid", "CapEff", "NoNewPrivs")}


def disks(process: int | str) -> list[tuple[str, bool]]:
    """Where a process's disks are mounted, and whether they can be written."""
    found = {}  # of disks that are mounted over each other only the last one can be reached
    for line in Path(f"/proc/{process}/mountinfo").read_text("utf-8").splitlines():
        words, _, kind = line.partition(" - ")
        place, options = words.split()[4:6]
        if kind.split()[0] not in _KERNEL:
            name = re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), place)
            found[name] = "rw" in options.split(",")
    return list(found.items())


def writable_disks(process: int) -> list[str]:
    return [place for place, writable in disks(process) if writable]


def close_the_tree() -> None:
    """Read-only from here on, for this process and what it becomes."""
    _mount("--make-rprivate", "/")
    _open_the_way([ROOT, *_python_folders()])
    for place, writable in disks("self"):
        if writable:
            _mount("-o", "remount,ro,bind", place)


def _python_folders() -> list[Path]:
    folders = {sys.prefix, sys.base_prefix, *sys.path, *sysconfig.get_paths().values()}
    folders.add(str(Path(chepai.__path__[0]).parent))
    return [Path(folder) for folder in folders if Path(folder).is_dir()]


def _open_the_way(folders: list[Path]) -> None:
    """Folders of Python that only root may enter become ones that anybody may."""
    closed = {}
    for folder in folders:
        above = [p for p in reversed(folder.parents) if not p.stat().st_mode & 0o001]
        if above:
            closed[folder] = above[0]
    # A folder within another of them comes along with it.
    closed = {f: gate for f, gate in closed.items() if not closed.keys() & set(f.parents)}
    kept = Path(tempfile.mkdtemp())
    for number, folder in enumerate(closed):
        (kept / str(number)).mkdir()
        _mount("--rbind", str(folder), str(kept / str(number)))
    for gate in set(closed.values()):
        _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(gate))
    for number, folder in enumerate(closed):
        folder.mkdir(parents=True, exist_ok=True)
        _mount("--rbind", str(kept / str(number)), str(folder))


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def give_up_rights(command: list[str]) -> None:
    """Becomes the service, as nobody; where there is no other account to become, as itself."""
    is_mapped = Path("/proc/self/uid_map").read_text("ascii").split() != ["0", "0", "4294967295"]
    account = [] if is_mapped else ["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]
    less = ["--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs"]
    path = os.pathsep.join(folder for folder in sys.path if folder)
    words = ["setpriv", *account, *less, "env", "-i", f"PYTHONPATH={path}", *command]
    os.chdir("/")
    os.execvp(words[0], words)


if __name__ == "__main__":
    sys.exit(main())
