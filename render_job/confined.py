"""The program that becomes ffmpeg: it takes away what ffmpeg does not need, then runs it.

    python confined.py as=6442450944 read=/uploads/a.mp4 write=/scratch port=4711 -- ffmpeg …

It runs by its path, imports as little as it can (each chunk pays for it), and is replaced by ffmpeg
(`execve`), so the process is the one that was started and keeps its pipes. Without a command it
prints which defences this machine has and ends. `render_job/reach.py` writes the words. What a
kernel does not know is left out; the limits are everywhere.

    limits     memory, processor time, size of a file, open files, no core dump
    parent     killed when the thread that started it is gone
    files      Landlock: read the source and the libraries, read and write one folder, run ffmpeg
    network    seccomp: no socket at all; where the source comes over a port of this machine, TCP
               over IPv4 only, and Landlock lets it connect to that port's number only
    processes  seccomp: none is started, looked into, or (Landlock) signalled
    rights     no capability, and no program run from here gains any

What is counted or numbered here is the kernel's: <linux/landlock.h>, <linux/seccomp.h>.
"""

import ctypes
import os
import resource
import sys
from struct import pack

SIGKILL = 9
NOT_STARTED = "the program cannot be started"
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 1, 24, 38, 22
LAST_CAPABILITY = 63

LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE = 1, 1 << 1, 1 << 2, 1 << 3, 1 << 14
IOCTL_DEV = 1 << 15
FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
REMOVE_FILE, MAKE_DIR, MAKE_REGULAR = 1 << 5, 1 << 7, 1 << 8
READ = EXECUTE | READ_FILE | READ_DIR
OWN = READ_FILE | READ_DIR | WRITE_FILE | TRUNCATE | REMOVE_FILE | MAKE_DIR | MAKE_REGULAR
ALL_RIGHTS = (1 << 13, 1 << 14, 1 << 15, 1 << 15, 1 << 16)
"""One more than all rights to files that versions 1, 2, 3, 4 and 5 (and later ones) know."""
CONNECT_TCP, BIND_TCP = 1 << 1, 1
SCOPE_ABSTRACT, SCOPE_SIGNAL = 1, 1 << 1
PATH_BENEATH, NET_PORT = 1, 2
NET_SINCE, SCOPE_SINCE = 4, 6

LIBRARIES = (
    *("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib"),
    *("/etc/ld.so.cache", "/etc/fonts", "/usr/share/fonts", "/usr/local/share/fonts"),
    *("/usr/share/fontconfig", "/var/cache/fontconfig", "/sys/devices/system/cpu"),
    *("/dev/urandom", "/dev/random", "/dev/zero"),
)
"""What programs and captions need of a machine; no upload and no credential lies there."""

ALLOW, REFUSE, UNKNOWN = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38
"""A call goes on, fails as forbidden (EPERM), or as one that this kernel does not know (ENOSYS)."""
LOAD, EQUAL, AT_LEAST, ANY_BIT, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
ARCHITECTURE, NUMBER, FIRST, SECOND = 4, 0, 16, 24
"""Where in the call's description its parts are; of an argument, the lower half."""
CLONE_THREAD, INET, STREAM, KIND_BITS, X32 = 0x00010000, 2, 1, 0xF, 0x40000000
CLONE3 = 435
COMMON = (425, 426, 427, 434, 438)
"""io_uring (3), which does what other calls are forbidden to do, pidfd_open and pidfd_getfd."""
CALLS = {
    # ptrace, process_vm_readv and writev, bpf, perf_event_open, userfaultfd, unshare, setns,
    # mount, keyctl, add_key, request_key; on x86-64 also fork and vfork.
    "x86_64": (0xC000003E, 41, 56, (101, 310, 311, 321, 298, 323, 272, 308, 165, 250, 248, 249,
                                    57, 58)),
    "aarch64": (0xC00000B7, 198, 220, (117, 270, 271, 280, 241, 282, 97, 268, 40, 219, 217, 218)),
}  # fmt: skip
"""By machine: the kernel's number of it, of `socket`, of `clone`, and of what is forbidden."""

libc = ctypes.CDLL(None, use_errno=True)


def confine(told: list[tuple[str, str]], program: str | None) -> list[str]:
    """Take everything away. Returns the names of the defences that are in force."""
    kept = limits(told)
    if sys.platform != "linux":
        return kept
    if libc.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0:
        kept.append("parent")
    if str(os.getppid()) not in [value for key, value in told if key == "parent"] and program:
        os._exit(1)  # it was gone before that could be asked for
    for capability in range(LAST_CAPABILITY + 1):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return kept
    port = max([int(value) for key, value in told if key == "port"], default=0)
    reads = [value for key, value in told if key == "read"]
    writes = [value for key, value in told if key == "write"]
    devices = [value for key, value in told if key == "device"]
    kept += ["rights", *landlock([*reads, *([program] if program else [])], writes, devices, port)]
    return kept + seccomp(port)


def limits(told: list[tuple[str, str]]) -> list[str]:
    """The system's own limits; macOS knows none to the address space."""
    kept = []
    for name, most in told:
        which = getattr(resource, f"RLIMIT_{name.upper()}", None)
        if which is None:
            continue
        _, ceiling = resource.getrlimit(which)
        allowed = int(most) if ceiling == resource.RLIM_INFINITY else min(int(most), ceiling)
        try:
            resource.setrlimit(which, (allowed, allowed))
            kept.append(name)
        except (ValueError, OSError):
            continue
    return kept


def landlock(reads: list[str], writes: list[str], devices: list[str], port: int) -> list[str]:
    """Files, ports and signals; nothing where the kernel has no Landlock."""
    version = libc.syscall(LANDLOCK_CREATE, None, 0, 1)
    if version < 1:
        return []
    known = ALL_RIGHTS[min(version, len(ALL_RIGHTS)) - 1] - 1
    words = [known]
    if version >= NET_SINCE:
        words.append(BIND_TCP | CONNECT_TCP)
    if version >= SCOPE_SINCE:
        words.append(SCOPE_ABSTRACT | SCOPE_SIGNAL)
    attributes = pack(f"={len(words)}Q", *words)
    rules = libc.syscall(LANDLOCK_CREATE, attributes, len(attributes), 0)
    if rules < 0:
        return []
    for path in (*LIBRARIES, *reads):
        _beneath(rules, path, READ & known)
    _beneath(rules, "/dev/null", (READ_FILE | WRITE_FILE) & known)
    for path in writes:
        _beneath(rules, path, OWN & known)
    for path in devices:
        _beneath(rules, path, (READ_FILE | WRITE_FILE | IOCTL_DEV) & known)
    if version >= NET_SINCE and port:
        libc.syscall(LANDLOCK_ADD, rules, NET_PORT, pack("=QQ", CONNECT_TCP, port), 0)
    if libc.syscall(LANDLOCK_RESTRICT, rules, 0) != 0:
        return []
    os.close(rules)
    kept = ["files"]
    if version >= NET_SINCE:
        kept.append("ports")
    if version >= SCOPE_SINCE:
        kept.append("signals")
    return kept


def _beneath(rules: int, path: str, rights: int) -> None:
    """What is not there needs no rule; a file has fewer rights than a folder."""
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):  # noqa: PTH112  # pathlib takes 10 ms to import
            rights &= FILE_RIGHTS
        libc.syscall(LANDLOCK_ADD, rules, PATH_BENEATH, pack("=Qi", rights, opened), 0)
    finally:
        os.close(opened)


def seccomp(port: int) -> list[str]:
    """No socket, or TCP over IPv4 alone, and no other process."""
    known = CALLS.get(os.uname().machine)
    if known is None or sys.maxsize < 1 << 32:
        return []
    machine, socket, clone, forbidden = known
    code = [
        (LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, machine), (RETURN, 0, 0, REFUSE),
        (LOAD, 0, 0, NUMBER), (AT_LEAST, 0, 1, X32), (RETURN, 0, 0, REFUSE),
        (EQUAL, 0, 1, CLONE3), (RETURN, 0, 0, UNKNOWN),
    ]  # fmt: skip
    for call in (*COMMON, *forbidden, *(() if port else (socket,))):
        code += [(EQUAL, 0, 1, call), (RETURN, 0, 0, REFUSE)]
    code += [
        (EQUAL, 0, 4, clone), (LOAD, 0, 0, FIRST), (ANY_BIT, 1, 0, CLONE_THREAD),
        (RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW),
        (EQUAL, 0, 7, socket), (LOAD, 0, 0, FIRST), (EQUAL, 1, 0, INET), (RETURN, 0, 0, REFUSE),
        (LOAD, 0, 0, SECOND), (AND, 0, 0, KIND_BITS), (EQUAL, 1, 0, STREAM),
        (RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW),
    ]  # fmt: skip
    filters = ctypes.create_string_buffer(b"".join(pack("=HBBI", *line) for line in code))
    wanted = ctypes.create_string_buffer(pack("@HxxxxxxQ", len(code), ctypes.addressof(filters)))
    if libc.prctl(PR_SET_SECCOMP, 2, wanted, 0, 0) != 0:
        return []
    return ["network", "processes"]


def main(words: list[str]) -> None:
    """Confine, then become the command; 127 where it cannot be run, as a shell has it."""
    at = words.index("--")
    command = words[at + 1 :]
    told = [(key, value) for key, _, value in (word.partition("=") for word in words[:at])]
    kept = confine(told, command[0] if command else None)
    if not command:
        print(" ".join(kept))
        return
    os.umask(0o077)
    try:
        os.execve(command[0], command, {})
    except OSError as error:
        sys.stderr.write(f"{NOT_STARTED}: {error.strerror}\n")
        sys.stderr.flush()
        os._exit(127)


if __name__ == "__main__":
    main(sys.argv[1:])
