"""The limits that the conversion process puts on itself before it sees a file of a stranger's."""

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_MEMORY_BYTES = 3 << 29  # address space: 1.5 GiB; a 1080p video takes 0.6 of it
_FILE_BYTES = 100 << 20  # WhatsApp takes no larger video
_DESCRIPTORS = 32
_NICE = 5


def confine(parent: int) -> None:
    """End with the parent, however it ends, and take no more of the machine than a conversion needs."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:  # it was gone before we asked to be told
        sys.exit(1)
    os.closerange(3, 1 << 20)
    os.umask(0o077)
    os.nice(_NICE)
    _limit(resource.RLIMIT_AS, _MEMORY_BYTES)
    _limit(resource.RLIMIT_FSIZE, _FILE_BYTES)
    _limit(resource.RLIMIT_NOFILE, _DESCRIPTORS)
    _limit(resource.RLIMIT_CORE, 0)


def allow_cpu(seconds: int) -> None:
    """From now on the process may take this much of the processor; SIGXCPU ends it then."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, hard))


def _limit(which: int, most: int) -> None:
    _, hard = resource.getrlimit(which)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (most, most))
