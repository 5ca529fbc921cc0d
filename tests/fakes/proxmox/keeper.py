"""Ends what a fake left when it was killed: waits for its standard input to close, then ends every process of that
fake's nodes and removes its folder.

keeper.py MARK [FOLDER-TO-REMOVE]

A process belongs to a fake when its environment holds the fake's mark, which sshd hands down to all that it starts.
"""

import os
import shutil
import signal
import subprocess
import sys
import time


def marked(mark):
    """Process ids whose environment holds the mark."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    if mark.encode() in file.read().split(b"\0"):
                        found.append(int(name))
            except OSError:
                pass  # it has ended, or is none of ours
    return found


def told(mark):
    """The command lines of marked processes."""
    found = []
    for pid in marked(mark):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                found.append(file.read().replace(b"\0", b" ").decode(errors="replace").strip())
        except OSError:
            pass  # it has ended meanwhile
    return found


def end(mark):
    """Kills them, and those that they start meanwhile."""
    for _ in range(50):
        left = marked(mark)
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)


def detach_loops(folder):
    """Loop devices on files below the folder are given back."""
    done = subprocess.run(["losetup", "-n", "-l", "-O", "NAME,BACK-FILE"], capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        device, _, file = line.strip().partition(" ")
        if file.strip().startswith(folder + "/"):
            subprocess.run(["losetup", "-d", device], check=False)


def main():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 4096):
        pass
    end(sys.argv[1])
    detach_loops(sys.argv[1].partition("=")[2])
    for folder in sys.argv[2:]:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
