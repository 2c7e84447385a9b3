"""Downloads of jars for scripts/setup: all jars in a list of pins, into one folder.

The repository comes from Maven's configuration: the mirror of Central in the user's or
the system's settings.xml, otherwise Central itself. Proxies and certificates come from
the environment (https_proxy, SSL_CERT_FILE). Maven is not needed.

An interrupted download continues with the first missing jar, because all are small.
"""

import argparse
import base64
import http.client
import os
import pathlib
import re
import shutil
import sys
import time
import urllib.error
import urllib.request
import xml.etree.ElementTree

sys.dont_write_bytecode = True  # otherwise python -I would write its cache into the checkout
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))  # python -I does not include this folder

from fetch import Failure, Oversized, Progress, locked, megabytes, run, say, sha256_of, short, write  # noqa: E402

CENTRAL = "https://repo1.maven.org/maven2"


# --- the repository


def settings_files():
    """Yields the settings files that Maven reads, the user's first."""
    yield pathlib.Path.home() / ".m2/settings.xml"
    for variable in ("MAVEN_HOME", "M2_HOME"):
        if os.environ.get(variable):
            yield pathlib.Path(os.environ[variable]) / "conf/settings.xml"
    yield pathlib.Path("/etc/maven/settings.xml")
    mvn = shutil.which("mvn")
    if mvn:
        yield pathlib.Path(mvn).resolve().parent.parent / "conf/settings.xml"


def mirrors_central(patterns):
    """Returns whether a mirrorOf includes Central: *, external:*, or a list; !central excludes it."""
    words = [word.strip() for word in patterns.split(",")]
    return "!central" not in words and any(w in ("*", "external:*", "central") for w in words)


def value(element, name):
    """Returns a setting's text, with ${env.NAME} replaced like in Maven."""
    text = (element.findtext(f"{{*}}{name}") or "").strip()
    return re.sub(r"\$\{env\.([^}]+)\}", lambda m: os.environ.get(m.group(1), ""), text)


def repository():
    """Returns the repository's URL and the headers for its requests."""
    for file in settings_files():
        try:
            settings = xml.etree.ElementTree.parse(file).getroot()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, xml.etree.ElementTree.ParseError) as error:
            raise Failure(f"Maven's settings can't be read, {file}: {error}") from None
        for mirror in settings.iterfind("{*}mirrors/{*}mirror"):
            if mirrors_central(value(mirror, "mirrorOf")) and value(mirror, "blocked") != "true":
                return value(mirror, "url").rstrip("/"), credentials(settings, value(mirror, "id"), file)
    return CENTRAL, {}


def credentials(settings, name, file):
    for server in settings.iterfind("{*}servers/{*}server"):
        if value(server, "id") == name and value(server, "username"):
            password = value(server, "password")
            if password.startswith("{"):
                raise Failure(f"the password of {name} in {file} is encrypted, which only Maven can read")
            pair = f"{value(server, 'username')}:{password}".encode()
            return {"Authorization": "Basic " + base64.b64encode(pair).decode()}
    return {}


# --- the jars


def read_pins(file):
    pins = []
    for line in file.read_text().splitlines():
        if line and not line.startswith("#"):
            sha256, size, path = line.split()
            pins.append(argparse.Namespace(sha256=sha256, size=int(size), path=path))
    return pins


def fetch(address, headers, pin, part, show):
    """Downloads the jar to part; show is called with the number of bytes so far."""
    request = urllib.request.Request(f"{address}/{pin.path}")
    for name, text in headers.items():
        request.add_unredirected_header(name, text)  # the password is only for this host
    done = 0
    with urllib.request.urlopen(request, timeout=30) as answer, open(part, "wb") as target:
        while chunk := answer.read(1 << 16):
            done = write(target, chunk, done, pin.size)
            show(done)
    if done < pin.size:
        raise EOFError("the connection closed")


ANOTHER = "another file than the pinned one"
ADVICE = (
    "https_proxy and the mirrors in Maven's settings.xml, then run scripts/setup --tests again: "
    "it continues where it stopped"
)


def fetch_checked(address, headers, pin, jar, show, advice=ADVICE):
    """Downloads the jar if it matches its pin, with up to three attempts."""
    part = jar.with_name(jar.name + ".part")
    reason = ""
    for attempt in range(3):
        time.sleep(attempt)
        try:
            fetch(address, headers, pin, part, show)
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
                os.replace(part, jar)
                return
            reason = ANOTHER
    part.unlink(missing_ok=True)
    if reason == ANOTHER:
        raise Failure(
            f"{jar.name} is not the pinned file (sha256 {pin.sha256}): "
            f"{address} serves another file, so nothing was installed"
        )
    raise Failure(
        f"could not download {pin.path} from {address} ({reason}): check the network, {advice}"
    )


def install(pins, target):
    """Makes target with all jars, or not at all."""
    with locked(target):
        if target.exists():
            return
        fresh = target.parent / f"{target.name}.new"
        fresh.mkdir(exist_ok=True)
        missing = []
        for pin in pins:
            jar = fresh / pathlib.PurePosixPath(pin.path).name
            if not (jar.exists() and sha256_of(jar) == pin.sha256):
                missing.append((pin, jar))
        total, left = sum(p.size for p in pins), sum(p.size for p, _ in missing)
        name, done = target.name.split("-")[0], total - left
        if done:
            say(f"  {name}: continuing at {megabytes(done)} of {megabytes(total)}")
        address, headers = repository()
        progress = Progress(name, done, total)
        for pin, jar in missing:
            fetch_checked(address, headers, pin, jar, lambda part, before=done: progress.show(before + part))
            done += pin.size
        fresh.rename(target)


def main():
    parser = argparse.ArgumentParser(description="jars for scripts/setup")
    parser.add_argument("--pins", type=pathlib.Path, required=True)
    parser.add_argument("--dir", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    install(read_pins(arguments.pins), arguments.dir)


if __name__ == "__main__":
    run(main)
