"""Downloads for scripts/setup: a venv from a requirements file, or files from a wheel.

The registry, certificates, proxies and passwords come only from pip's configuration:
the index is read and the bytes are downloaded with pip's own session. This uses pip's
internals instead of its interface, because an interrupted transfer of 270 MB must be
resumable, which pip does not support. If pip's internals differ, "pip download" is the
fallback.

Needs only Python's standard library and its pip.
"""

import argparse
import contextlib
import errno
import fcntl
import hashlib
import logging
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import zipfile

HERE = pathlib.Path(__file__).resolve().parent

# The headers that galeone's binding includes (c_api.h and eager/c_api.h), directly or indirectly.
HEADERS = """
tensorflow/c/c_api.h tensorflow/c/c_api_macros.h tensorflow/c/eager/c_api.h
tensorflow/c/tf_attrtype.h tensorflow/c/tf_buffer.h tensorflow/c/tf_datatype.h
tensorflow/c/tf_status.h tensorflow/c/tf_tensor.h tensorflow/c/tf_tstring.h
tensorflow/core/platform/ctstring.h tsl/platform/ctstring.h
tsl/platform/ctstring_internal.h xla/tsl/c/tsl_status.h
""".split()

# Files in scikit-image's wheel, with their licences according to its documentation.
PHOTOGRAPHS = {
    "astronaut.png": "Eileen Collins, by NASA; public domain",
    "chelsea.png": "Chelsea the cat, by Stefan van der Walt; CC0",
    "coffee.png": "cup of coffee, by Rachel Michetti; CC0",
    "hubble_deep_field.jpg": "Hubble Extreme Deep Field, by NASA; public domain",
    "rocket.jpg": "launch of DSCOVR, by SpaceX; CC0",
}


class Failure(Exception):
    """Ends the program with one sentence that includes what to do."""


class Unsupported(Exception):
    """This pip has different internals."""


class Unreachable(Exception):
    """The registry did not return a usable response."""


class Oversized(Exception):
    """The server sends more bytes than the pinned file has."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def megabytes(count):
    return f"{count / 1e6:.0f} MB"


@contextlib.contextmanager
def locked(target):
    """Locks target for this process; the system releases the lock when the process dies."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.parent / f".{target.name}.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say(f"  waiting: another setup is making {target.name}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def pip(*arguments):
    """Runs this Python's pip, ignoring the user's settings for the install location."""
    environment = dict(os.environ, PIP_USER="0")
    for name in ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PYTHONPATH", "PYTHONHOME"):
        environment.pop(name, None)
    if not sys.stderr.isatty():
        arguments += ("--progress-bar", "off")
    # pip prints its progress on stdout, which may be a pipe.
    return subprocess.run(
        [sys.executable, "-I", "-m", "pip", *arguments], env=environment, stdout=sys.stderr
    ).returncode


# --- a venv


def make_venv(target, requirements):
    """Makes the venv at target and installs the requirements, each checked by its hash."""
    with locked(target):
        if (target / "complete").exists() and os.access(target / "bin/python", os.X_OK):
            return
        shutil.rmtree(target, ignore_errors=True)
        subprocess.run([sys.executable, "-I", "-m", "venv", str(target)], check=True)
        inside = [str(target / "bin/python"), "-I", str(HERE / "fetch.py")]
        inside += ["install", "--requirements", str(requirements)]
        if subprocess.run(inside).returncode:
            raise Failure(
                f"pip could not install {requirements.name} (see its message above): check the "
                "network and pip's settings (pip config list), then run scripts/setup again"
            )
        (target / "complete").touch()


def install(requirements):
    code = pip(
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--only-binary=:all:",
        "--require-hashes",
        "--requirement",
        str(requirements),
    )
    if code:
        raise SystemExit(code)


# --- a wheel


def read_pin(kind, platform):
    for line in (HERE / "wheels.txt").read_text().splitlines():
        words = line.split()
        if words[:1] == [kind] and words[1] in ("any", platform):
            return argparse.Namespace(
                project=words[2],
                version=words[3],
                size=int(words[4]),
                sha256=words[5],
                file=words[6],
            )
    raise Failure(f"no {kind} for {platform} in wheels.txt")


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as source:
        while chunk := source.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


class Progress:
    """Shows one updated line on a terminal, otherwise a line for every tenth, at least 20 MB."""

    def __init__(self, name, done, total):
        self.name, self.start, self.total = name, done, total
        self.began = time.monotonic()
        self.step = max(total // 10, 20_000_000)
        self.next = done + self.step
        self.drawn = 0.0
        self.terminal = sys.stderr.isatty()

    def show(self, done):
        now = time.monotonic()
        speed = (done - self.start) / max(now - self.began, 1e-3)
        text = f"  {self.name}: {megabytes(done)} of {megabytes(self.total)}, {speed / 1e6:.0f} MB/s"
        if self.terminal and (now - self.drawn > 0.1 or done == self.total):
            print(f"\r{text:<70}", end="" if done < self.total else "\n", file=sys.stderr, flush=True)
            self.drawn = now
        elif not self.terminal and done >= self.next:
            self.next = done + self.step
            say(text)


class Registry:
    """The registry in pip's configuration."""

    def __init__(self):
        self.complaints = []
        handler = logging.Handler(logging.WARNING)
        handler.emit = lambda record: self.complaints.append(record.getMessage())
        logging.getLogger("pip").addHandler(handler)

    def complaint(self):
        return short(self.complaints[-1]) if self.complaints else "the registry doesn't have it"

    @contextlib.contextmanager
    def session(self, pin):
        """Yields pip's HTTP session and the address of the pinned wheel."""
        try:
            from pip._internal.cli.cmdoptions import make_target_python
            from pip._internal.commands import create_command

            command = create_command("download")
            stack = command.main_context()
        except (ImportError, AttributeError, TypeError) as error:
            raise Unsupported(error) from error
        with stack:
            try:
                options, _ = command.parse_args(
                    # One retry by pip, because fetch_whole has its own.
                    ["--no-input", "--no-cache-dir", "--retries=1", *selection(pin), requirement(pin)]
                )
                session = command.get_default_session(options)
                finder = command._build_package_finder(
                    options=options, session=session, target_python=make_target_python(options)
                )
                candidates = finder.find_all_candidates(pin.project)
                found = [c.link.url for c in candidates if c.link.filename == pin.file]
            except (ImportError, AttributeError, TypeError) as error:
                raise Unsupported(error) from error
            if not found:
                raise Unreachable(f"{requirement(pin)}: {self.complaint()}")
            yield session, found[0]


def short(reason):
    """Returns the system's message inside a wrapped network error, or the beginning of reason."""
    words = re.search(r"\[Errno [^\]]*\] ([^'\")]+)", reason)
    return words.group(1) if words else " ".join(reason.split())[:200]


def requirement(pin):
    return f"{pin.project}=={pin.version}"


def selection(pin):
    """Returns pip's options that select exactly this wheel on any machine."""
    _, _, python, _, platforms = pin.file[: -len(".whl")].split("-")
    options = ["--no-deps", "--only-binary=:all:"]
    if python.startswith("cp"):  # otherwise py3, which is for any Python
        options += ["--implementation", "cp", "--python-version", f"{python[2]}.{python[3:]}"]
    for platform in platforms.split("."):
        options += ["--platform", platform]
    return options


def resume(session, address, pin, part):
    """Continues part where it ends; returns at the end of the response, complete or not."""
    done = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}
    if done:
        headers["Range"] = f"bytes={done}-"
    with contextlib.closing(session.get(address, headers=headers, stream=True)) as answer:
        if answer.status_code == 416:
            part.unlink()
            return
        answer.raise_for_status()
        if answer.status_code != 206:
            done = 0  # the server ignores the range and sends the whole file
        elif not answer.headers.get("Content-Range", "").startswith(f"bytes {done}-"):
            raise Unreachable("the server returned another part of the file")
        progress = Progress(pin.file.split("-")[0], done, pin.size)
        with open(part, "ab" if done else "wb") as target:
            for chunk in answer.raw.stream(1 << 18, decode_content=False):
                done = write(target, chunk, done, pin.size)
                progress.show(done)


def write(target, chunk, done, size):
    """Appends chunk to a file with done of size bytes, and returns the new number of bytes."""
    if done + len(chunk) > size:
        raise Oversized
    try:
        target.write(chunk)
    except OSError as error:
        # Distinguished here, because pip's network errors are OSErrors too.
        raise Failure(f"cannot write {target.name}: {error.strerror}") from error
    return done + len(chunk)


def download(pin, folder):
    """Downloads and checks the wheel, and returns its path in folder."""
    folder.mkdir(parents=True, exist_ok=True)
    wheel, part = folder / pin.file, folder / f"{pin.file}.part"
    if wheel.exists() and sha256_of(wheel) == pin.sha256:
        return wheel
    try:
        for second_time in (False, True):
            wrong = "wrong checksum"
            try:
                fetch_whole(pin, part)
                if sha256_of(part) == pin.sha256:
                    os.replace(part, wheel)
                    return wheel
            except Oversized:
                wrong = f"more than {pin.size} bytes"
            part.unlink()
            if not second_time:
                say(f"  {pin.file}: {wrong}, starting again")
    except Unsupported as error:
        say(f"  pip's internals have changed ({error}): using pip download, which cannot resume")
        part.unlink(missing_ok=True)
        if pip("download", "--no-input", "--dest", str(folder), *selection(pin), requirement(pin)):
            raise Failure(f"pip could not download {pin.file} (see its message above)") from None
        if sha256_of(wheel) == pin.sha256:
            return wheel
        wheel.unlink()
    raise Failure(
        f"{pin.file} is not the pinned file (sha256 {pin.sha256}): "
        "the registry serves another file, so nothing was installed"
    )


def fetch_whole(pin, part):
    """Downloads until part is complete, across interruptions; fails after three without progress."""
    fruitless = farthest = 0
    registry = Registry()
    while not part.exists() or part.stat().st_size < pin.size:
        before = part.stat().st_size if part.exists() else 0
        farthest = max(farthest, before)
        if before and not fruitless:
            say(f"  {pin.file.split('-')[0]}: continuing at {megabytes(before)} of {megabytes(pin.size)}")
        reason = "the connection closed"
        try:
            with registry.session(pin) as (session, address):
                resume(session, address, pin, part)
        except (Failure, Unsupported, Oversized, KeyboardInterrupt):
            raise
        except Exception as error:  # pip, requests, urllib3 and ssl have different exceptions
            reason = short(str(error)) or type(error).__name__
        after = part.stat().st_size if part.exists() else 0
        if after >= pin.size:
            return
        fruitless = 0 if after > farthest else fruitless + 1
        if fruitless == 3:
            raise Failure(
                f"could not download {pin.file} from the package registry ({reason}): check the network and "
                "pip's settings (pip config list), then run scripts/setup again to continue"
            )
        time.sleep(fruitless)


def take_libtensorflow(wheel, target):
    """Extracts libraries with the names that the linker needs, C headers and licences."""
    for name in wheel.namelist():
        base = name.rpartition("/")[2]
        if name.rpartition("/")[0] == "tensorflow" and base.startswith("libtensorflow_"):
            extract(wheel, name, target / "lib" / base)
            # libtensorflow_cc includes the C interface; the binding links -ltensorflow.
            stem, suffix = base.split(".", 1)[0], "dylib" if base.endswith("dylib") else "so"
            plain = stem.replace("_cc", "")
            (target / "lib" / f"{plain}.{suffix}").symlink_to(base)
    for name in HEADERS:
        extract(wheel, f"tensorflow/include/{name}", target / "include" / name)
    extract(wheel, "tensorflow/THIRD_PARTY_NOTICES.txt", target / "THIRD_PARTY_NOTICES.txt")
    extract(wheel, "tensorflow/include/LICENSE", target / "LICENSE")


def take_onnxruntime(wheel, target):
    """Extracts the library, with the name that programs open, and licences."""
    for name in wheel.namelist():
        base = name.rpartition("/")[2]
        if re.fullmatch(r"libonnxruntime\.(so\.[\d.]+|[\d.]+dylib)", base):
            extract(wheel, name, target / "lib" / base)
            plain = "libonnxruntime.dylib" if base.endswith("dylib") else "libonnxruntime.so.1"
            (target / "lib" / plain).symlink_to(base)
    extract(wheel, "onnxruntime/ThirdPartyNotices.txt", target / "ThirdPartyNotices.txt")
    extract(wheel, "onnxruntime/LICENSE", target / "LICENSE")


def take_samples(wheel, target):
    lines = ["Photographs from scikit-image's wheel, as samples:", ""]
    for name, terms in PHOTOGRAPHS.items():
        extract(wheel, f"skimage/data/{name}", target / name)
        lines.append(f"{name}: {terms}")
    (target / "LICENSES.txt").write_text("\n".join(lines) + "\n")


def take_zig(wheel, target):
    """Extracts the compiler, the sources of its libraries, and the C libraries' headers and symbols."""
    for name in wheel.namelist():
        if name.startswith("ziglang/") and not name.endswith(("/", ".py")):
            extract(wheel, name, target / name.removeprefix("ziglang/"))
    (target / "zig").chmod(0o755)


TAKE = {
    "libtensorflow": take_libtensorflow,
    "onnxruntime": take_onnxruntime,
    "samples": take_samples,
    "zig": take_zig,
}


def extract(wheel, name, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wheel.open(name) as source, open(path, "wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)


def unpack(kind, platform, target):
    """Extracts the files of a kind from its wheel to target, completely or not at all."""
    pin = read_pin(kind, platform)
    with locked(target):
        if target.exists():
            return
        wheel = download(pin, target.parent / "downloads")
        say(f"  unpacking {pin.file.split('-')[0]}")
        fresh = target.parent / f"{target.name}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        try:
            with zipfile.ZipFile(wheel) as source:
                TAKE[kind](source, fresh)
            fresh.rename(target)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        wheel.unlink()


def main():
    parser = argparse.ArgumentParser(description="downloads for scripts/setup")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("venv", "install"):
        sub = commands.add_parser(name)
        sub.add_argument("--requirements", type=pathlib.Path, required=True)
        if name == "venv":
            sub.add_argument("--dir", type=pathlib.Path, required=True)
    sub = commands.add_parser("wheel")
    sub.add_argument("--kind", choices=TAKE, required=True)
    sub.add_argument("--platform", required=True)
    sub.add_argument("--dir", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    if arguments.command == "venv":
        make_venv(arguments.dir, arguments.requirements.resolve())
    elif arguments.command == "install":
        install(arguments.requirements)
    else:
        unpack(arguments.kind, arguments.platform, arguments.dir)


def run(program):
    """Runs a main function, and prints one sentence if it fails."""
    try:
        program()
    except Failure as failure:
        sys.exit(f"setup: {failure}")
    except subprocess.CalledProcessError as failure:
        sys.exit(f"setup: {' '.join(map(str, failure.cmd))} failed")
    except OSError as failure:
        if failure.errno in (errno.ENOSPC, errno.EDQUOT):
            sys.exit("setup: the disk is full: free some space and run scripts/setup again")
        sys.exit(f"setup: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    run(main)
