"""Shared libraries from pinned Debian packages, for scripts/deploy/build.

The packages come from the mirror in ATELIER_DEBIAN_MIRROR, otherwise from Debian, or
from its archive, which has releases that are no longer maintained. Proxies and
certificates come from the environment (https_proxy, SSL_CERT_FILE). Neither dpkg nor
apt is needed, so this runs on any Linux.
"""

import argparse
import http.client
import io
import os
import pathlib
import re
import shutil
import sys
import tarfile
import time
import urllib.error
import urllib.request

sys.dont_write_bytecode = True  # otherwise python -I would write its cache into the checkout
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))  # python -I does not include this folder

from fetch import Failure, Oversized, Progress, locked, run, sha256_of, short, write  # noqa: E402

DEBIAN = ("http://deb.debian.org/debian", "http://archive.debian.org/debian")  # safe without TLS because of the pins
ADVICE = "https_proxy, and ATELIER_DEBIAN_MIRROR for another mirror of Debian, then try again"
ANOTHER = "another file than the pinned one"


def mirrors():
    own = os.environ.get("ATELIER_DEBIAN_MIRROR")
    return (own.rstrip("/"),) if own else DEBIAN


def read_pins(file):
    pins = []
    for line in file.read_text().splitlines():
        if line and not line.startswith("#"):
            sha256, size, path = line.split()
            pins.append(argparse.Namespace(sha256=sha256, size=int(size), path=path))
    return pins


def fetch(address, pin, part, show):
    """Downloads the package to part; show is called with the number of bytes so far."""
    done = 0
    with urllib.request.urlopen(f"{address}/{pin.path}", timeout=30) as answer, open(part, "wb") as target:
        while chunk := answer.read(1 << 16):
            done = write(target, chunk, done, pin.size)
            show(done)
    if done < pin.size:
        raise EOFError("the connection closed")


def fetch_checked(address, pin, deb, show):
    """Downloads the package if it matches its pin, with up to three attempts."""
    part = deb.with_name(deb.name + ".part")
    reason = ""
    for attempt in range(3):
        time.sleep(attempt)
        try:
            fetch(address, pin, part, show)
        except urllib.error.HTTPError as error:
            reason = f"{error.code} {error.reason}"
            if error.code < 500:
                break
        except (OSError, EOFError, ValueError, http.client.HTTPException) as error:
            reason = short(str(getattr(error, "reason", error))) or type(error).__name__
        except Oversized:
            reason = ANOTHER
        else:
            if sha256_of(part) == pin.sha256:
                os.replace(part, deb)
                return
            reason = ANOTHER
    part.unlink(missing_ok=True)
    if reason == ANOTHER:
        raise Failure(
            f"{deb.name} is not the pinned file (sha256 {pin.sha256}): "
            f"{address} serves another file, so nothing was installed"
        )
    raise Failure(f"could not download {pin.path} from {address} ({reason}): check the network, {ADVICE}")


def fetch_anywhere(pin, deb):
    """Downloads the package to deb from the first mirror that has it."""
    progress = Progress(deb.name.split("_")[0], 0, pin.size)
    *others, last = mirrors()
    for address in others:
        try:
            return fetch_checked(address, pin, deb, progress.show)
        except Failure:
            continue
    return fetch_checked(last, pin, deb, progress.show)


def members(deb):
    """Yields name and content of the members of a package, which is an ar archive."""
    content = deb.read_bytes()
    if not content.startswith(b"!<arch>\n"):
        raise Failure(f"{deb.name} is not a Debian package")
    at = 8
    while at + 60 <= len(content):
        name, size = content[at : at + 16].decode().strip().rstrip("/"), int(content[at + 48 : at + 58])
        yield name, content[at + 60 : at + 60 + size]
        at += 60 + size + size % 2


def take(deb, target):
    """Extracts libraries with the names that programs open (lib*.so.N), and the copyright."""
    package = deb.name.split("_")[0]
    for name, content in members(deb):
        if not name.startswith("data.tar"):
            continue
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            for member in tar:
                base = member.name.rpartition("/")[2]
                if re.fullmatch(r"lib[^/]*\.so\.\d+", base):
                    (target / "lib" / base).write_bytes(tar.extractfile(member).read())  # follows links
                elif base == "copyright" and member.isfile():
                    (target / f"{package}.copyright").write_bytes(tar.extractfile(member).read())


def install(pins, target):
    """Makes target with all libraries, or not at all."""
    with locked(target):
        if target.exists():
            return
        fresh = target.parent / f"{target.name}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        (fresh / "lib").mkdir(parents=True)
        for pin in pins:
            deb = fresh / pathlib.PurePosixPath(pin.path).name
            fetch_anywhere(pin, deb)
            take(deb, fresh)
            deb.unlink()
        fresh.rename(target)


def main():
    parser = argparse.ArgumentParser(description="libraries of Debian packages for scripts/deploy/build")
    parser.add_argument("--pins", type=pathlib.Path, required=True)
    parser.add_argument("--dir", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    install(read_pins(arguments.pins), arguments.dir)


if __name__ == "__main__":
    run(main)
