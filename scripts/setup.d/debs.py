"""Shared libraries out of pinned Debian packages, for scripts/deploy/build.

The packages come from the mirror that ATELIER_DEBIAN_MIRROR names, else from Debian,
or from its archive, where releases go that are no longer kept up. Proxies and
certificates are the environment's (https_proxy, SSL_CERT_FILE). Neither dpkg nor apt
is needed, so that this runs on any Linux.
"""

import argparse
import io
import os
import pathlib
import re
import shutil
import sys
import tarfile

sys.dont_write_bytecode = True  # python -I, or it would leave its cache in the checkout
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))  # python -I leaves it out

from fetch import Failure, Progress, locked, run  # noqa: E402
from jars import fetch_checked, read_pins  # noqa: E402

DEBIAN = ("http://deb.debian.org/debian", "http://archive.debian.org/debian")  # the pins decide
ADVICE = "https_proxy, and ATELIER_DEBIAN_MIRROR for another mirror of Debian, then try again"


def mirrors():
    own = os.environ.get("ATELIER_DEBIAN_MIRROR")
    return (own.rstrip("/"),) if own else DEBIAN


def fetch_anywhere(pin, deb):
    """Puts the package at deb, from the first mirror that has it."""
    progress = Progress(deb.name.split("_")[0], 0, pin.size)
    *others, last = mirrors()
    for address in others:
        try:
            return fetch_checked(address, {}, pin, deb, progress.show, ADVICE)
        except Failure:
            continue
    return fetch_checked(last, {}, pin, deb, progress.show, ADVICE)


def members(deb):
    """The members of a package, which is an ar archive: name and content."""
    content = deb.read_bytes()
    if not content.startswith(b"!<arch>\n"):
        raise Failure(f"{deb.name} is no Debian package")
    at = 8
    while at + 60 <= len(content):
        name, size = content[at : at + 16].decode().strip().rstrip("/"), int(content[at + 48 : at + 58])
        yield name, content[at + 60 : at + 60 + size]
        at += 60 + size + size % 2


def take(deb, target):
    """Libraries under the names that programs ask for (lib*.so.N), and the copyright."""
    package = deb.name.split("_")[0]
    for name, content in members(deb):
        if not name.startswith("data.tar"):
            continue
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            for member in tar:
                base = member.name.rpartition("/")[2]
                if re.fullmatch(r"lib[^/]*\.so\.\d+", base):
                    (target / "lib" / base).write_bytes(tar.extractfile(member).read())  # through links
                elif base == "copyright" and member.isfile():
                    (target / f"{package}.copyright").write_bytes(tar.extractfile(member).read())


def install(pins, target):
    """Makes target, which appears with everything or not at all."""
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
