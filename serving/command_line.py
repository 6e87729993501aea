"""Command-line parser whose errors are one line, and the types of its values."""

from __future__ import annotations

import argparse
import errno
import math
import socket
import sys
from typing import NoReturn

USAGE_ERROR = 2
"""Exit code of a program that was started wrongly."""
DEVICES = ("auto", "cpu", "cuda", "mps")
LARGEST_PORT = 65535


class OneLineParser(argparse.ArgumentParser):
    """Parser that reports a wrong argument in one line, without the usage, and exits with code 2."""

    def error(self, message: str) -> NoReturn:
        """Write the line and exit."""
        self.exit(USAGE_ERROR, f"{self.prog}: {message} (`{self.prog} --help` lists the options)\n")


def fail(program: str, message: object) -> NoReturn:
    """End a start that has failed: its reason in one line on standard error, exit code 2."""
    sys.stderr.write(f"{program}: {' '.join(str(message).split())}\n")
    raise SystemExit(USAGE_ERROR)


def port(text: str) -> int:
    """A TCP port. Raises: ArgumentTypeError unless it is a whole number from 1 to 65535.

    >>> port("7860")
    7860
    """
    if text.isascii() and text.isdigit() and 1 <= int(text) <= LARGEST_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a port from 1 to {LARGEST_PORT}, got {text[:80]!r}")


def decimal(text: str) -> float:
    """A number. Raises: ArgumentTypeError unless it is one.

    >>> decimal("0.5")
    0.5
    """
    try:
        return float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"expected a number, got {text[:80]!r}: decimals take a point, and a space separates two numbers"
        ) from error


def positive_seconds(text: str) -> float:
    """A duration. Raises: ArgumentTypeError unless it is a finite number above 0.

    >>> positive_seconds("0.5")
    0.5
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if math.isfinite(seconds) and seconds > 0:
        return seconds
    raise argparse.ArgumentTypeError(f"expected a number of seconds above 0, got {text[:80]!r}")


def listening_problem(host: str, number: int) -> str:
    """Why a server cannot listen on an address, and what to do; empty if it can.

    Args:
        host: name or number of an address of this machine.
        number: of the port.
    """
    try:
        found = socket.getaddrinfo(host.strip("[]"), number, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        return _no_address(host)
    family, kind, protocol, _, address = found[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return (
                    f"port {number} of {host} is in use by another program: end it, or give another --port."
                )
            if isinstance(error, PermissionError):
                return f"this user may not listen on port {number}: choose a --port above 1023."
            return _no_address(host)
    return ""


def _no_address(host: str) -> str:
    return (
        "expected a --host that is an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of "
        f"them, got {host[:80]!r}."
    )
