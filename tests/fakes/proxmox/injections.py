"""What goes wrong on request, and the counts of what was asked: the state behind the control port.

A fault is {"method", "path" (a regular expression on the path below /api2/json), "skip" (how many that fit are spared
first), "count" (default 1; -1: for ever), and what happens}: "cut" (an upload's connection breaks after so many bytes of its body), "status" with "reason", "delay" (seconds before), "reset": "before" or "after" the work, "late" (seconds
between the work and the answer). A task fault is {"task" (a regular expression on the task's type), "count", "fail"
(its exit status), "log" (lines), "slow" (seconds that it takes longer)}.
"""

import collections
import re
import threading
import time

from faults import ApiError, Hangup, died


class Injections:
    def __init__(self):
        self.lock = threading.Lock()
        self.list = []
        self.counts = collections.Counter()

    def add(self, fault):
        with self.lock:
            self.list.append({"count": 1} | fault)

    def clear(self):
        with self.lock:
            self.list.clear()
            self.counts.clear()

    def take(self, fits):
        """The first fault that fits, counted down; None: there is none."""
        with self.lock:
            for fault in self.list:
                if fault["count"] and fits(fault):
                    if fault.get("skip"):
                        fault["skip"] -= 1
                        continue
                    fault["count"] -= 1
                    return fault
        return None

    def for_request(self, method, path):
        return self.take(lambda fault: "task" not in fault and fault.get("method", method) == method
                         and re.search(fault.get("path", ""), path)) or {}

    def count(self, name):
        with self.lock:
            self.counts[name] += 1

    @staticmethod
    def before(fault):
        time.sleep(fault.get("delay", 0))
        if fault.get("reset") == "before":
            raise Hangup
        if "status" in fault:
            raise ApiError(fault["status"], fault.get("reason", "injected"))

    @staticmethod
    def after(fault):
        time.sleep(fault.get("late", 0))
        if fault.get("reset") == "after":
            raise Hangup

    def before_task(self, task):
        fault = self.take(lambda fault: "task" in fault and re.search(fault["task"], task.kind))
        if fault:
            for line in fault.get("log", []):
                task.log(line)
            task.sleep(fault.get("slow", 0))
            if "fail" in fault:
                raise died(fault["fail"])
