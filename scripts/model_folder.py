"""Writes a model folder: weights.safetensors and config.json, which belong together.

At no moment do the new weights lie beside the old config: a kill in between leaves a folder without
config.json, which kvscope refuses, and what was there under `.previous`.
"""

import contextlib
import errno
import json
import os
import pathlib

import safetensors_io
from command_line import Failure, script

WEIGHTS, CONFIG = "weights.safetensors", "config.json"


def fail(path, reason):
    raise Failure(f"[{script()}] {path}: {reason}")


def targets_of(out):
    """The two files; a link is followed."""
    return [pathlib.Path(os.path.realpath(pathlib.Path(out) / name)) for name in (WEIGHTS, CONFIG)]


def check_target(out, force):
    """Raises Failure when `out` cannot become a model folder, or holds one and `force` is not set."""
    if os.path.lexists(out) and not os.path.isdir(out):
        fail(out, "expected the name of a folder, got a file")
    for target in targets_of(out):
        if target.exists() and not target.is_file():
            fail(target, "expected the name of a file, got something else")
        if target.exists() and not force:
            fail(out, "expected no model there, got one (--force replaces it)")


def with_suffix(path, suffix):
    return path.with_name(path.name + suffix)


def sync(path):
    """Waits until the disk has a file or a folder's names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems cannot sync a folder.
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)


def replace_together(partials, targets):
    """Gives the partial files their names, or puts back what was there."""
    undo = []

    def move(source, destination):
        os.replace(source, destination)
        undo.append((destination, source))

    previous = [with_suffix(target, ".previous") for target in targets]
    try:
        for target, old in reversed(list(zip(targets, previous))):
            if target.exists():
                move(target, old)
        for partial, target in zip(partials, targets):
            move(partial, target)
    except BaseException:
        for source, destination in reversed(undo):
            os.replace(source, destination)
        raise
    for old in previous:
        old.unlink(missing_ok=True)


def write(out, config, parameters):
    """Raises Failure, and leaves what was there as it was."""
    out = pathlib.Path(out)
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    targets = targets_of(out)
    partials = [with_suffix(target, ".partial") for target in targets]
    written = False
    try:
        out.mkdir(parents=True, exist_ok=True)
        safetensors_io.save(partials[0], parameters)
        text = json.dumps(config, indent=1, allow_nan=False) + "\n"
        partials[1].write_text(text, encoding="utf-8")
        for partial in partials:
            sync(partial)
        replace_together(partials, targets)
        written = True
        for target in targets:
            sync(target.parent)
    except OSError as error:
        fail(out, f"cannot be written: {error.strerror}")
    finally:
        if not written:
            for partial in partials:
                with contextlib.suppress(OSError):
                    partial.unlink()
            for folder in made:
                with contextlib.suppress(OSError):
                    folder.rmdir()
