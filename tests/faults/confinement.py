"""A small disk, a read-only one, and permissions that hold for root too: for one process only."""

import ctypes
import os
from pathlib import Path

_NEW_MOUNTS, _NEW_USER = 0x00020000, 0x10000000  # linux/sched.h
_READ_ONLY, _REMOUNT, _RECURSIVE, _PRIVATE = 0x1, 0x20, 0x4000, 0x40000  # sys/mount.h
_CAPABILITIES_3, _DAC_OVERRIDE, _DAC_READ_SEARCH = 0x20080522, 1, 2  # linux/capability.h


class CannotConfine(Exception):
    """This system does not let the process do it."""


def mount_private_disk(folder: Path, size: int) -> None:
    """Mount an empty disk of ``size`` bytes on a folder, in the sight of this process alone.

    Raises: CannotConfine where not even a user namespace may be had.
    """
    user, group = os.getuid(), os.getgid()
    try:
        try:
            _call("unshare", _NEW_MOUNTS)
        except PermissionError:
            _call("unshare", _NEW_USER | _NEW_MOUNTS)
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"0 {user} 1")
            Path("/proc/self/gid_map").write_text(f"0 {group} 1")
        _call("mount", b"none", b"/", None, _RECURSIVE | _PRIVATE, None)
        _call("mount", b"small", bytes(folder), b"tmpfs", 0, f"size={size}".encode())
    except (OSError, AttributeError) as error:
        raise CannotConfine(f"no disk can be mounted here: {error}") from error


def remount_read_only(folder: Path) -> None:
    """Let nothing be written any more to what is mounted on a folder."""
    _call("mount", b"small", bytes(folder), b"tmpfs", _REMOUNT | _READ_ONLY, None)


def obey_permissions() -> None:
    """Give up root's right to read and write whatever it likes; of others nothing changes."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_3, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable, of the lower 32 and the upper
    try:
        _call("capget", header, sets)
        for index in range(3):
            sets[index] &= ~(1 << _DAC_OVERRIDE | 1 << _DAC_READ_SEARCH)
        _call("capset", header, sets)
    except (OSError, AttributeError) as error:
        raise CannotConfine(f"root cannot be made to obey permissions here: {error}") from error


def _call(name: str, *arguments: object) -> None:
    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
