# Looks for a text in everything that this process may read: files below the folders that are named, variables, command lines and memory of
# every process, and prints where it is. What the machine has for everybody is left out. The text comes the other way around, so that it is nowhere because of this program.
#
#   python3 search.py TXET FOLDER...
import os
import stat
import sys

text = sys.argv[1].encode()[::-1]
found = set()


def file(path):
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return
    with os.fdopen(descriptor, "rb") as opened:
        last = b""
        try:
            while piece := opened.read(1 << 20):
                if text in last + piece:
                    found.add(path)
                last = piece[-len(text) :]
        except (OSError, ValueError):
            pass


def memory(process):
    try:
        with open(f"/proc/{process}/maps") as maps, open(f"/proc/{process}/mem", "rb") as opened:
            for line in maps:
                begin, end = (int(number, 16) for number in line.split()[0].split("-"))
                try:
                    opened.seek(begin)
                    if text in opened.read(end - begin):
                        found.add(f"the memory of process {process}")
                except (OSError, ValueError, OverflowError):
                    pass
    except OSError:
        pass


for folder in sys.argv[2:]:
    for where, names, files in os.walk(folder):
        names[:] = [name for name in names if os.path.join(where, name) not in ("/proc", "/sys", "/nix", "/usr", "/bin", "/lib", "/lib64")]
        for name in files:
            path = os.path.join(where, name)
            try:
                kind = os.lstat(path).st_mode
            except OSError:
                continue
            if stat.S_ISREG(kind):
                file(path)
for process in filter(str.isdigit, os.listdir("/proc")):
    for name in ("environ", "cmdline", "stat", "status", "mountinfo"):
        file(f"/proc/{process}/{name}")
    if int(process) != os.getpid():
        memory(process)
print("\n".join(sorted(found)) or "nowhere")
