"""How the scripts take numbers and end, as kvscope does.

Exit status: 0 fine, 1 failure, 2 usage, 3 bad input, 4 out of memory, 130 interrupted. An error is one line on
stderr: `[script] path: expected X, got Y`.
"""

import argparse
import math
import os
import pathlib
import re
import signal
import sys

WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
REAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
LARGEST_INT = 2**31 - 1
NAMES_SHOWN = 4


class Failure(Exception):
    """What was asked for cannot be done; the message is one line."""

    status = 1


class BadInput(Failure):
    """A file is not what it should be."""

    status = 3


def script():
    return pathlib.Path(sys.argv[0]).stem


def refuse(path, expected, got):
    raise BadInput(f"[{script()}] {path}: expected {expected}, got {got}")


def printable(text):
    """`text` in one line that cannot steer a terminal: names come out of files."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode()
                   for c in str(text))


def listed(names):
    names = sorted(names)
    more = ", …" if len(names) > NAMES_SHOWN else ""
    return f"{len(names)} ({', '.join(names[:NAMES_SHOWN])}{more})"


def whole(smallest, largest=LARGEST_INT):
    """Type of an argparse option: a decimal whole number."""
    def parse(text):
        if not WHOLE.fullmatch(text) or not smallest <= int(text) <= largest:
            span = f"of at least {smallest}" if largest == LARGEST_INT else f"from {smallest} to {largest}"
            raise argparse.ArgumentTypeError(f"expected a whole number {span}, got {printable(text)}")
        return int(text)
    return parse


def wholes(text):
    """Type of an argparse option: 1,2,3."""
    return [whole(0)(part) for part in text.split(",")]


def real(smallest, largest=math.inf):
    """Type of an argparse option: a finite decimal number."""
    def parse(text):
        value = float(text) if REAL.fullmatch(text) else math.nan
        if not math.isfinite(value) or not smallest <= value <= largest:
            span = f"of at least {smallest}" if largest == math.inf else f"from {smallest} to {largest}"
            raise argparse.ArgumentTypeError(f"expected a number {span}, got {printable(text)}")
        return value
    return parse


def text(given):
    """Type of an argparse option: text that is not empty, in UTF-8."""
    if not given or not is_utf8(given):
        raise argparse.ArgumentTypeError(f"expected UTF-8 text, got '{printable(given)}'")
    return given


def path(given):
    """Type of an argparse option: an empty path would mean the folder one stands in."""
    if not given:
        raise argparse.ArgumentTypeError("expected a path, got ''")
    return given


def is_utf8(value):
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_out_of_memory(error):
    """Torch has a type for a GPU's memory, and only words for the machine's."""
    return (isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
            or "DefaultCPUAllocator: can't allocate memory" in str(error))


def _tell(message, status):
    print(printable(message), file=sys.stderr)
    return status


def _drop_stdout():
    """What is left in the buffer would fail again, with a traceback, when Python ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def status_of(job):
    """Exit status of `job()`; what can go wrong on a user's machine is told in one line."""
    try:
        job()
        if sys.stdout is not None:
            sys.stdout.flush()
    except Failure as reason:
        return _tell(reason, reason.status)
    except KeyboardInterrupt:
        return _tell(f"[{script()}] interrupted", 130)
    except OSError as error:
        _drop_stdout()
        name = error.filename if error.filename is not None else "input or output"
        return _tell(f"[{script()}] {os.fsdecode(name)}: {error.strerror or error}", 1)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return _tell(f"[{script()}] out of memory", 4)
    return 0


def start(main):
    """Runs `main()`, which returns an exit status, as the program."""
    # A reader that has seen enough, such as head, ends the program as it ends any other.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(errors="backslashreplace")
    sys.exit(main())
