"""A fresh Debian in a folder, and somebody who types there."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shlex
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from docs import site_files
from tests.support.proxies import find
from tests.support.server import children_of
from tests.support.wait import wait_until

SUITE = "bookworm"
#: What a small installation has that was made for a server of Python, and what walks would install themselves: each
#: would fetch it anew.
PACKAGES = ("ca-certificates", "curl", "haproxy", "nginx-light", "openssl", "python3", "python3-venv", "systemd-sysv")
TOOLS = ("debootstrap", "unshare", "nsenter", "ip", "chroot")
NAMESPACES = ("--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup")
#: Of this machine's environment, what says how packages are to be had.
OF_PACKAGES = re.compile(r"^(PIP_.*|https?_proxy|HTTPS?_PROXY|no_proxy|NO_PROXY)$")
BUNDLE = "etc/ssl/certs/ca-certificates.crt"
#: Seconds that a command may take: some fetch and compile.
LONG = 900.0

# $1 base, $2 upper, $3 work, $4 root, behind these the first process of the new system. What there is one of for the
# whole machine (devices, settings of the kernel) can be read, and not changed.
BEGIN = """
set -e
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2,workdir=$3" "$4"
root=$4; shift 4
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,ro,bind "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs -o mode=0755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ip link set lo up
if [ "$1" = /lib/systemd/systemd ]; then
    mount -t tmpfs -o mode=0755 tmpfs "$root/run"
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
fi
exec chroot "$root" "$@"
"""


def why_not() -> str:
    """Why there can be no Debian here; empty where there can."""
    missing = [name for name in TOOLS if find(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    if os.geteuid() != 0:
        return "debootstrap and chroot want root"
    done = subprocess.run(["unshare", *NAMESPACES, "--fork", "true"], capture_output=True)
    return "" if done.returncode == 0 else "new namespaces are not permitted"


def made_base() -> Path:
    """The folder that all walks lie over, made when it is first wanted; `GUNICORN_WALKS` says where it is kept."""
    kept = Path(os.environ.get("GUNICORN_WALKS") or Path(tempfile.gettempdir(), f"gunicorn-walks-{os.geteuid()}"))
    kept.mkdir(mode=0o700, exist_ok=True)
    if kept.is_symlink() or kept.stat().st_uid != os.geteuid():
        pytest.fail(f"{kept} belongs to somebody else")
    base = kept / f"{SUITE}-{hashlib.sha256(' '.join(PACKAGES).encode()).hexdigest()[:12]}"
    # One of several that run side by side makes it.
    with open(kept / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not base.exists():
            unfinished = base.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            command = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(unfinished)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=LONG)
            if done.returncode != 0:
                pytest.skip(f"debootstrap: {done.stdout[-500:]}")
            unfinished.rename(base)
    return base


class Debian:
    """One that runs, over `base`, with what it changes in `folder`.

    `boots`: systemd is its first process; otherwise one that only waits. In the end all of its processes are killed.
    """

    def __init__(self, base: Path, folder: Path, boots: bool = False) -> None:
        self.folder = folder
        self._started: list[Process] = []
        places = [folder / name for name in ("upper", "work", "root")]
        for place in places:
            place.mkdir(parents=True)
        self._cgroup = own_cgroup(folder) if boots else None
        first = ["/lib/systemd/systemd"] if boots else ["sleep", "infinity"]
        unshare = ["unshare", *NAMESPACES, "--fork", "--kill-child", "sh", "-c", BEGIN, "sh"]
        join = f"echo $$ > {self._cgroup}/cgroup.procs && " if self._cgroup else ""
        with open(folder / "first.log", "wb") as log:
            self._unshare = subprocess.Popen(
                ["sh", "-c", f'{join}exec "$@"', "sh", *unshare, str(base), *map(str, places), *first],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=bare({"container": "walk"}),
            )
        try:
            wait_until(self._has_begun, what=lambda: f"a Debian: {(folder / 'first.log').read_text()}")
            self._prepare(boots)
        except BaseException:
            self.end()
            raise

    def _has_begun(self) -> bool:
        assert self._unshare.poll() is None, (self.folder / "first.log").read_text()
        first = children_of(self._unshare.pid)
        return bool(first) and os.readlink(f"/proc/{first[0]}/exe").endswith(("/sleep", "/systemd"))

    @property
    def first(self) -> int:
        """The PID of its first process as this machine has it."""
        return children_of(self._unshare.pid)[0]

    @property
    def root(self) -> Path:
        """Its root folder, as long as it runs."""
        return Path(f"/proc/{self.first}/root")

    def _prepare(self, boots: bool) -> None:
        # Names are found, and packages believed, as on this machine.
        shutil.copy("/etc/resolv.conf", self.root / "etc/resolv.conf")
        bundle = os.environ.get("PIP_CERT") or ssl.get_default_verify_paths().cafile
        if bundle:
            shutil.copy(bundle, self.root / BUNDLE)
        if boots:
            wait_until(self._has_booted, what=lambda: f"systemd: {(self.folder / 'first.log').read_text()}")

    def _has_booted(self) -> bool:
        return self.type("systemctl is-system-running", may_fail=True).split() in (["running"], ["degraded"])

    def path(self, name: str) -> Path:
        """A place of it, to be read or written from outside."""
        return self.root / name.lstrip("/")

    def bring(self, source: Path, name: str) -> None:
        """Copy a file or a folder there."""
        target = self.path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        else:
            shutil.copy(source, target)

    def command(
        self, words: list[str], online: bool = False, cwd: str = "/root", user: str = "",
        env: Mapping[str, str] | None = None,
    ) -> list[str]:
        """What to run here for something to run there. `user`: UID:GID, without any capability; `online`: with this
        machine's network, for packages."""
        enter = ["nsenter", f"--target={self.first}", *NAMESPACES, "--root", "--wd"]
        if online:
            enter.remove("--net")
        uid, _, gid = user.partition(":")
        rights = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--bounding-set=-all",
                  "--inh-caps=-all", "--no-new-privs"] if user else []
        variables = [f"{name}={value}" for name, value in bare(env, online).items()]
        return [*enter, *rights, "env", "-i", "-C", cwd, *variables, *words]

    def type(
        self, line: str, *, online: bool = False, cwd: str = "/root", user: str = "",
        env: Mapping[str, str] | None = None, may_fail: bool = False,
    ) -> str:
        """Have a shell do a line, and return what it printed on both streams."""
        done = subprocess.run(
            self.command(["sh", "-c", line], online, cwd, user, env), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=LONG,
        )
        assert may_fail or done.returncode == 0, f"$ {line}\n{done.stdout}"
        return done.stdout

    def start(self, words: list[str], name: str, **options: object) -> Process:
        """Leave something running in the background."""
        process = Process(self.command(words, **options), self.folder / f"{name}.log")  # type: ignore[arg-type]
        self._started.append(process)
        return process

    def end(self) -> None:
        """Kill what runs there, and forget what it wrote."""
        self._unshare.kill()
        self._unshare.wait()
        for process in self._started:
            process.wait()
        if self._cgroup:
            wait_until(lambda: removed(self._cgroup), what="the end of its processes")
        shutil.rmtree(self.folder / "upper", ignore_errors=True)


class Process:
    """One in the background, and its log."""

    def __init__(self, command: list[str], log: Path) -> None:
        self._log = log
        with open(log, "ab") as file:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def wait_for_log(self, text: str) -> None:
        wait_until(lambda: text in self.log() or self._process.poll() is not None, what=lambda: f"{text}\n{self.log()}")
        assert text in self.log(), self.log()

    def wait(self) -> int:
        """Its exit status, when it has ended."""
        return self._process.wait(LONG)

    def stop(self, number: int) -> int:
        """Send the process that it became a signal, and return its status."""
        os.kill(self.pid, number)
        return self.wait()

    @property
    def pid(self) -> int:
        """The one behind the program that has entered the namespaces."""
        return wait_until(lambda: children_of(self._process.pid), what=self.log)[0]


def bare(extra: Mapping[str, str] | None = None, online: bool = False) -> dict[str, str]:
    """The environment of somebody who has just logged in."""
    found = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root",
        "DEBIAN_FRONTEND": "noninteractive",
    }
    if online:
        found |= {name: value for name, value in os.environ.items() if OF_PACKAGES.match(name)}
        found["PIP_FIND_LINKS"] = "/wheels"
        if "PIP_CERT" in found:
            found["PIP_CERT"] = f"/{BUNDLE}"
    return found | dict(extra or {})


def own_cgroup(folder: Path) -> Path:
    """A control group that systemd may divide. The test is skipped where there is none of the second version."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            group = Path(place, f"gunicorn-walk-{os.getpid()}-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}")
            group.mkdir()
            return group
    pytest.skip("no control groups of version 2")


def removed(group: Path | None) -> bool:
    """Whether the group and those below it are gone, which they are when nothing runs there."""
    assert group is not None
    try:
        for below in sorted((path for path in group.rglob("*") if path.is_dir()), key=lambda path: -len(path.parts)):
            below.rmdir()
        group.rmdir()
    except OSError:
        return not group.exists()
    return True


@contextmanager
def fresh(base: Path, folder: Path, wheels: Path, boots: bool = False) -> Iterator[Debian]:
    """A Debian with the examples that the site hands out in /root/gunicorn, and what an index would have in /wheels."""
    debian = Debian(base, folder, boots)
    try:
        unpack_examples(debian)
        debian.bring(wheels, "/wheels")
        yield debian
    finally:
        debian.end()


def unpack_examples(debian: Debian) -> None:
    """As the site says: get the one file, and type its line."""
    archive = debian.path("/root/gunicorn/examples.tar.gz")
    archive.parent.mkdir()
    archive.write_bytes(site_files.archive("examples"))
    (line,) = re.findall(r"^\$ (.+)$", site_files.WHERE_TO_GET, re.MULTILINE)
    debian.type(line, cwd="/root/gunicorn")


def typed(page: Path, heading: str = "") -> list[str]:
    """The commands in the first block of a page, or of a section of it, that shows what somebody types.

    Lines that begin with a prompt, `$` or `#`, and those that continue them.
    """
    text = page.read_text()
    if heading:
        text = re.split(rf"^#+ {re.escape(heading)}$", text, maxsplit=1, flags=re.MULTILINE)[1]
    (block,) = re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[:1]
    lines = block.replace("\\\n", "").splitlines()
    return [re.sub(r" {2,}", " ", line[2:]) for line in lines if line.startswith(("$ ", "# "))]


def is_online(line: str) -> bool:
    """Whether a command fetches packages."""
    return bool({"pip", "apt", "apt-get"} & {Path(word).name for word in shlex.split(line)})


class Line(NamedTuple):
    """What was typed, and what came of it."""

    line: str
    printed: str


def follow(debian: Debian, page: Path, heading: str = "") -> list[Line]:
    """Type what a page shows, in the folder that has `examples`; `cd` holds for the lines behind it."""
    folder, done = "/root/gunicorn", []
    for line in typed(page, heading):
        words = shlex.split(line)
        if words[0] == "cd":
            folder = str(Path(folder, words[1]))
        else:
            done.append(Line(line, debian.type(line, online=is_online(line), cwd=folder)))
    return done
