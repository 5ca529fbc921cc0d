"""Workers: what the server does after it has answered with a UPID."""

import re
import threading
import time
import traceback

from faults import ApiError, bad, denied

UPID = re.compile(r"UPID:([A-Za-z0-9\-]+):([0-9A-F]{8}):([0-9A-F]{8,9}):([0-9A-F]{8}):([^:\s]+):([^:\s]*):([^:\s]+):")


class Interrupted(Exception):
    """Somebody has stopped the task."""


class Task:
    def __init__(self, node, number, kind, ident, caller):
        self.node, self.pid, self.kind, self.ident = node, number, kind, str(ident)
        self.user, self.token = caller.user, caller.token
        self.start, self.end = int(time.time()), None
        self.pstart = int(time.monotonic() * 100)
        self.exit = None
        self.lines = []
        self.stop = threading.Event()
        self.interrupt_text = "received interrupt"
        self.done = threading.Event()
        self.upid = (f"UPID:{node}:{self.pid:08X}:{self.pstart:08X}:{self.start:08X}:"
                     f"{kind}:{self.ident}:{caller.full}:")

    def log(self, text):
        self.lines += text.rstrip("\n").split("\n")

    def check(self):
        """To be called where a worker may be stopped."""
        if self.stop.is_set():
            raise Interrupted

    def sleep(self, seconds):
        if self.stop.wait(seconds):
            raise Interrupted

    def owned_by(self, caller):
        return (self.user, self.token) == (caller.user, caller.token)

    def listed(self):
        entry = {"upid": self.upid, "node": self.node, "pid": self.pid, "pstart": self.pstart,
                 "starttime": self.start, "type": self.kind, "id": self.ident, "user": self.user}
        if self.token:
            entry["tokenid"] = self.token
        if self.end:
            entry |= {"endtime": self.end, "status": self.exit}
        return entry

    def status(self):
        entry = self.listed()
        entry.pop("endtime", None)
        entry["status"] = "stopped" if self.done.is_set() else "running"
        if self.done.is_set():
            entry["exitstatus"] = self.exit
        return entry


class Tasks:
    def __init__(self, faults, mistakes):
        self.all = {}
        self.mistakes = mistakes
        self.number = 0x100
        self.lock = threading.Lock()
        self.faults = faults  # told of each worker before it works

    def run(self, node, kind, ident, caller, work):
        """Starts `work(task)`; its UPID."""
        task = self.new(node, kind, ident, caller)
        threading.Thread(target=self.body, args=(task, work), daemon=True, name=task.upid).start()
        return task.upid

    def new(self, node, kind, ident, caller):
        with self.lock:
            self.number += 1
            task = Task(node, self.number, kind, ident, caller)
            self.all[task.upid] = task
        return task

    def body(self, task, work):
        try:
            self.faults.before_task(task)
            work(task)
            self.finish(task, "OK")
        except Interrupted:
            self.finish(task, task.interrupt_text)
        except ApiError as error:
            self.finish(task, error.message)
        except Exception as error:  # a mistake of the fake, told in the exit status, too
            traceback.print_exc()
            self.mistakes.append(f"{task.kind}: {error!r}")
            self.finish(task, f"{type(error).__name__}: {error}")

    @staticmethod
    def finish(task, status):
        if task.done.is_set():
            return
        lines = status.split("\n")
        task.log("TASK OK" if status == "OK" else f"TASK ERROR: {status}")
        task.exit, task.end = lines[0], int(time.time())
        task.done.set()

    def find(self, upid, node=None):
        parsed = UPID.fullmatch(upid)
        if not parsed:
            raise bad(upid="unable to parse worker upid")
        task = self.all.get(upid)
        if not task or (node and task.node != node):
            raise bad(upid="no such task")
        return task

    def demand(self, access, caller, task, privilege):
        if not task.owned_by(caller) and not access.may(caller, f"/nodes/{task.node}", [privilege]):
            raise denied(f"/nodes/{task.node}", privilege)

    def running(self):
        return [task for task in list(self.all.values()) if not task.done.is_set()]
