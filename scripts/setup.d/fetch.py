"""Downloads for scripts/setup: a venv from a requirements file, or files out of a wheel.

Which registry is asked, with which certificates, proxies and passwords, is pip's
configuration alone: the index is read and the bytes are fetched with pip's own
session. That is pip's inside, not its interface, and the reason is resumption:
a transfer of 270 MB that broke off must go on where it stopped, which pip does
not do. Where a pip has another inside, plain "pip download" is the fallback.

Needs nothing but Python's standard library and the pip beside it.
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

# What galeone's binding includes (c_api.h and eager/c_api.h), followed through.
HEADERS = """
tensorflow/c/c_api.h tensorflow/c/c_api_macros.h tensorflow/c/eager/c_api.h
tensorflow/c/tf_attrtype.h tensorflow/c/tf_buffer.h tensorflow/c/tf_datatype.h
tensorflow/c/tf_status.h tensorflow/c/tf_tensor.h tensorflow/c/tf_tstring.h
tensorflow/core/platform/ctstring.h tsl/platform/ctstring.h
tsl/platform/ctstring_internal.h xla/tsl/c/tsl_status.h
""".split()

# File in scikit-image's wheel, and what may be done with it, as its documentation says.
PHOTOGRAPHS = {
    "astronaut.png": "Eileen Collins, by NASA; public domain",
    "chelsea.png": "Chelsea the cat, by Stefan van der Walt; CC0",
    "coffee.png": "cup of coffee, by Rachel Michetti; CC0",
    "hubble_deep_field.jpg": "Hubble Extreme Deep Field, by NASA; public domain",
    "rocket.jpg": "launch of DSCOVR, by SpaceX; CC0",
}


class Failure(Exception):
    """Ends the program with one sentence that says what to do."""


class Unsupported(Exception):
    """This pip's inside is not the one known here."""


class Unreachable(Exception):
    """The registry gave no answer that could be used."""


class Oversized(Exception):
    """The server sends more than the file that was pinned."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def megabytes(count):
    return f"{count / 1e6:.0f} MB"


@contextlib.contextmanager
def locked(target):
    """Holds target for this process; the system lets go when it dies, however."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.parent / f".{target.name}.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say(f"  waiting: another setup is making {target.name}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def pip(*arguments):
    """Runs this Python's pip, whatever the user's settings say about where it installs."""
    environment = dict(os.environ, PIP_USER="0")
    for name in ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PYTHONPATH", "PYTHONHOME"):
        environment.pop(name, None)
    if not sys.stderr.isatty():
        arguments += ("--progress-bar", "off")
    # pip reports on its stdout, which may be somebody's pipe.
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
                f"pip could not install {requirements.name} (its reason is above): check the "
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
    """One line that moves on a terminal; elsewhere a line at every tenth, or 20 MB."""

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
    """The registry as pip is configured for it."""

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
                    # One retry of pip's: fetch_whole has its own.
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
    """The system's own words, where a network error has them inside its wrappings."""
    words = re.search(r"\[Errno [^\]]*\] ([^'\")]+)", reason)
    return words.group(1) if words else " ".join(reason.split())[:200]


def requirement(pin):
    return f"{pin.project}=={pin.version}"


def selection(pin):
    """pip's options for this very wheel, on whatever machine."""
    _, _, python, _, platforms = pin.file[: -len(".whl")].split("-")
    options = ["--no-deps", "--only-binary=:all:"]
    if python.startswith("cp"):  # else any Python will do, as py3 says
        options += ["--implementation", "cp", "--python-version", f"{python[2]}.{python[3:]}"]
    for platform in platforms.split("."):
        options += ["--platform", platform]
    return options


def resume(session, address, pin, part):
    """Appends to part from where it ends; returns at the end of the answer, whole or not."""
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
            done = 0  # the server sends all of it, whatever was asked
        elif not answer.headers.get("Content-Range", "").startswith(f"bytes {done}-"):
            raise Unreachable("the server answered with another part of the file")
        progress = Progress(pin.file.split("-")[0], done, pin.size)
        with open(part, "ab" if done else "wb") as target:
            for chunk in answer.raw.stream(1 << 18, decode_content=False):
                done = write(target, chunk, done, pin.size)
                progress.show(done)


def write(target, chunk, done, size):
    """Appends chunk to the done bytes before it, of size in all; returns how many there are then."""
    if done + len(chunk) > size:
        raise Oversized
    try:
        target.write(chunk)
    except OSError as error:
        # Told apart here, since pip's network errors are OSErrors as well.
        raise Failure(f"cannot write {target.name}: {error.strerror}") from error
    return done + len(chunk)


def download(pin, folder):
    """The wheel's path in folder, complete and checked."""
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
                say(f"  {pin.file}: {wrong}, once more from the start")
    except Unsupported as error:
        say(f"  pip has changed inside ({error}): downloading with pip itself, which cannot resume")
        part.unlink(missing_ok=True)
        if pip("download", "--no-input", "--dest", str(folder), *selection(pin), requirement(pin)):
            raise Failure(f"pip could not download {pin.file} (its reason is above)") from None
        if sha256_of(wheel) == pin.sha256:
            return wheel
        wheel.unlink()
    raise Failure(
        f"{pin.file} is not the file that was pinned (sha256 {pin.sha256}): "
        "the registry serves something else, so nothing was installed"
    )


def fetch_whole(pin, part):
    """Fetches until part has its full size, through breaks; gives up after three that brought it no further."""
    fruitless = farthest = 0
    registry = Registry()
    while not part.exists() or part.stat().st_size < pin.size:
        before = part.stat().st_size if part.exists() else 0
        farthest = max(farthest, before)
        if before and not fruitless:
            say(f"  {pin.file.split('-')[0]}: going on at {megabytes(before)} of {megabytes(pin.size)}")
        reason = "the connection closed"
        try:
            with registry.session(pin) as (session, address):
                resume(session, address, pin, part)
        except (Failure, Unsupported, Oversized, KeyboardInterrupt):
            raise
        except Exception as error:  # every layer below (pip, requests, urllib3, ssl) has its own
            reason = short(str(error)) or type(error).__name__
        after = part.stat().st_size if part.exists() else 0
        if after >= pin.size:
            return
        fruitless = 0 if after > farthest else fruitless + 1
        if fruitless == 3:
            raise Failure(
                f"the package registry did not give {pin.file} ({reason}): check the network and "
                "pip's settings (pip config list), then run scripts/setup again: it goes on where it stopped"
            )
        time.sleep(fruitless)


def take_libtensorflow(wheel, target):
    """Libraries with the names the linker asks for, C headers and licences."""
    for name in wheel.namelist():
        base = name.rpartition("/")[2]
        if name.rpartition("/")[0] == "tensorflow" and base.startswith("libtensorflow_"):
            extract(wheel, name, target / "lib" / base)
            # libtensorflow_cc holds the C interface too; the binding links -ltensorflow.
            stem, suffix = base.split(".", 1)[0], "dylib" if base.endswith("dylib") else "so"
            plain = stem.replace("_cc", "")
            (target / "lib" / f"{plain}.{suffix}").symlink_to(base)
    for name in HEADERS:
        extract(wheel, f"tensorflow/include/{name}", target / "include" / name)
    extract(wheel, "tensorflow/THIRD_PARTY_NOTICES.txt", target / "THIRD_PARTY_NOTICES.txt")
    extract(wheel, "tensorflow/include/LICENSE", target / "LICENSE")


def take_onnxruntime(wheel, target):
    """The library, with the name by which programs ask for it, and licences."""
    for name in wheel.namelist():
        base = name.rpartition("/")[2]
        if re.fullmatch(r"libonnxruntime\.(so\.[\d.]+|[\d.]+dylib)", base):
            extract(wheel, name, target / "lib" / base)
            plain = "libonnxruntime.dylib" if base.endswith("dylib") else "libonnxruntime.so.1"
            (target / "lib" / plain).symlink_to(base)
    extract(wheel, "onnxruntime/ThirdPartyNotices.txt", target / "ThirdPartyNotices.txt")
    extract(wheel, "onnxruntime/LICENSE", target / "LICENSE")


def take_samples(wheel, target):
    lines = ["Photographs out of scikit-image's wheel, to try the project with:", ""]
    for name, terms in PHOTOGRAPHS.items():
        extract(wheel, f"skimage/data/{name}", target / name)
        lines.append(f"{name}: {terms}")
    (target / "LICENSES.txt").write_text("\n".join(lines) + "\n")


def take_zig(wheel, target):
    """The compiler, its libraries' sources and the C libraries' headers and symbols."""
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
    """Puts what kind needs of its wheel at target, which appears whole or not at all."""
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
    """Runs a main, and ends with one sentence where it fails."""
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
