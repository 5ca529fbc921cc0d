"""The test suites of tests/run.py: which there are, and how each kind is run."""

import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import catch_report

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
TIMEOUT = int(os.environ.get("FLYT_TEST_TIMEOUT", "1800"))  # seconds for one program or script
AT_ONCE = min(2, os.cpu_count() or 1)  # guests are emulated, each on one processor
PARTS = 4  # of a program that is slow with sanitizers
# For each target, whichever is first.
FUZZ_RUNS, FUZZ_SECONDS = 20000, 10 if os.environ.get("CI") else 30
FIRST = ["lint", "unit", "conformance", "faults", "golden", "integration"]
LAST = ["sanitizers", "tsan", "fuzz", "full"]
NOT_SUITES = {"bench", "fuzz", "lab"}
SANITIZED = ["faults", "conformance", "unit"]  # the slow ones first


@dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass
class Suite:
    run: Callable[[], Counts]
    preset: str = "dev"
    targets: Sequence[str] = ()  # what it needs built


def discover():
    """All suites that have anything in them, by name, in the order they are run."""
    found = {}
    for folder in sorted(TESTS.iterdir()):
        if folder.is_dir() and folder.name not in NOT_SUITES and (has_program(folder) or scripts(folder)):
            found[folder.name] = Suite(lambda name=folder.name: run_folder(name), targets=targets_of(folder))
    sanitized = [name for name in SANITIZED if has_program(TESTS / name)]
    if sanitized:
        found["sanitizers"] = Suite(lambda: run_programs("asan-ubsan", sanitized), "asan-ubsan",
                                    ["flyt", *programs(sanitized)])
    threaded = [name for name in sanitized if tagged_tsan(TESTS / name)]
    if threaded:
        found["tsan"] = Suite(lambda: run_programs("tsan", threaded, "[tsan]"), "tsan", programs(threaded))
    if list((TESTS / "fuzz").glob("*.cpp")):
        found["fuzz"] = Suite(run_fuzz, "asan-ubsan", ["fuzz_targets"])
    order = FIRST + sorted(set(found) - set(FIRST) - set(LAST)) + LAST
    return {name: found[name] for name in order if name in found}


def targets_of(folder):
    if folder.name == "lint":
        return []
    shared = programs(["conformance"]) if (folder / "conformance.sh").exists() else []
    return ["flyt", *(programs([folder.name]) if has_program(folder) else []), *shared]


def programs(names):
    return [f"flyt_{name}" for name in names]


class Builder:
    """Builds what suites need, in their order, while those before them run: of what these leave of the processors."""

    def __init__(self, suites):
        self.pool = ThreadPoolExecutor(1)
        self.process = None
        self.built = {name: self.pool.submit(self.build, suite.preset, suite.targets)
                      for name, suite in suites.items() if suite.targets}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.pool.shutdown(wait=False, cancel_futures=True)
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)

    def has_built(self, name):
        return name not in self.built or self.built[name].result()

    def build(self, preset, targets):
        self.process = subprocess.Popen(["./dev", "build", preset, *targets], cwd=ROOT, stdin=subprocess.DEVNULL,
                                        start_new_session=True)
        yield_processors(self.process.pid)
        if self.process.wait() == 0:
            return True
        print(f"FAILED to build {' '.join(targets)} of the preset {preset}", flush=True)
        return False


def yield_processors(session):
    """Where the kernel shares processors among sessions, nice counts only within one (sched(7), autogroup)."""
    try:
        Path(f"/proc/{session}/autogroup").write_text("19")
    except OSError:
        pass  # it has no such groups, or does not let us


def run_all(one, items):
    """The sum of one(item), several at once: each is a process of its own, in folders of its own."""
    total = Counts()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for counts in pool.map(one, items):
            total.add(counts)
    return total


def has_program(folder):
    return any(folder.rglob("*.cpp"))


def scripts(folder):
    return sorted(p for p in folder.glob("*") if p.suffix in (".py", ".sh") and os.access(p, os.X_OK))


def tagged_tsan(folder):
    return any("[tsan]" in source.read_text() for source in folder.rglob("*.cpp"))


def run_folder(name):
    jobs = [lambda: run_program("dev", name)] if has_program(TESTS / name) else []
    jobs += [lambda path=path: run_script(name, path) for path in scripts(TESTS / name)]
    return run_all(lambda job: job(), jobs)


def run_programs(preset, names, *arguments):
    """Runs the Catch2 programs of the folders `names`, in PARTS: slow as they are, they end together then."""
    jobs = []
    for name in names:
        tests = tests_of(preset, name, arguments)
        parts = [tests[first::PARTS] for first in range(min(PARTS, len(tests)))]
        jobs += [lambda name=name, part=part: run_program(preset, name, part) for part in parts]
        if not tests:
            print(f"FAILED {name}: it names no tests", flush=True)
            jobs.append(lambda: Counts(failed=1))
    return run_all(lambda job: job(), jobs)


def tests_of(preset, name, arguments):
    # Its exit status is how many there are.
    told = subprocess.run([*program(preset, name), "--list-test-names-only", *arguments], cwd=ROOT,
                          stdout=subprocess.PIPE, text=True, check=False)
    return told.stdout.splitlines()


def program(preset, name):
    path = f"build/{preset}/flyt_{name}"
    # The thread sanitizer's shadow memory dislikes address randomization.
    return ["setarch", "-R", path] if preset == "tsan" and may_fix_addresses() else [path]


def run_program(preset, name, tests=()):
    """Those of its tests; none named: all."""
    with tempfile.TemporaryDirectory(prefix="flyt-run-") as folder:
        report, skips, chosen = (Path(folder) / file for file in ("report.xml", "skips", "tests"))
        command = [*program(preset, name), "-r", "xml", "-o", str(report)]
        if tests:
            chosen.write_text("\n".join(re.sub(r"[\\,]", r"\\\g<0>", test) for test in tests))
            command += ["--input-file", str(chosen)]
        code, output = run(command, preset, {"FLYT_SKIPS": str(skips)})
        report = catch_report.read(report)
        counts = judge_program(name, code, output, report, read_skips(skips))
        lost = [] if report.running or code is None else [test for test in tests if test not in report.finished]
        for test in lost:
            print(f"FAILED {name}: {test}\n  it was not run: is its name one that Catch2 takes as a filter?", flush=True)
        counts.failed += len(lost)
        return counts


def may_fix_addresses():
    return subprocess.run(["setarch", "-R", "true"], stderr=subprocess.DEVNULL).returncode == 0


def judge_program(name, code, output, report, skips):
    counts = Counts()
    for test, failures in report.finished.items():
        if failures:
            counts.failed += 1
            print(f"FAILED {name}: {test}\n" + "\n".join(failures))
        elif test in skips:
            counts.skipped += 1
            print(f"skipped {name}: {test}: {skips[test]}")
        else:
            counts.passed += 1
    broke_off = report.running or (code != 0 and not counts.failed)
    if broke_off:
        counts.failed += 1
        print(f"FAILED {name}: {report.running or 'the program'} ended with {describe(code)}")
    if counts.failed and output:
        print(output[-20000:])
    return counts


def read_skips(path):
    lines = path.read_text().splitlines() if path.exists() else []
    return dict(line.split("\t", 1) for line in lines)


def run_script(suite, path):
    started = time.monotonic()
    code, output = run([str(path)], "dev")
    last_line = (output.strip().splitlines() or ["no reason given"])[-1]
    if code == 77 and suite not in os.environ.get("FLYT_TEST_REQUIRE", "").split(","):
        print(f"skipped {suite}/{path.name}: {last_line}", flush=True)
        return Counts(skipped=1)
    if code == 0:
        print(f"passed {suite}/{path.name} ({time.monotonic() - started:.1f} s)", flush=True)
        return Counts(passed=1)
    print(f"FAILED {suite}/{path.name}: {describe(code)}\n{output}", flush=True)
    return Counts(failed=1)


def run_fuzz():
    return run_all(fuzz_one, [source.stem for source in sorted((TESTS / "fuzz").glob("*.cpp"))])


def fuzz_one(name):
    grown, kept = ROOT / "build/asan-ubsan/corpus" / name, ROOT / "build/asan-ubsan/found"
    grown.mkdir(parents=True, exist_ok=True)
    kept.mkdir(parents=True, exist_ok=True)
    seeds = TESTS / "fuzz/corpus" / name
    command = [f"build/asan-ubsan/fuzz_{name}", f"-runs={FUZZ_RUNS}", f"-max_total_time={FUZZ_SECONDS}",
               f"-artifact_prefix={kept}/{name}-", "-timeout=10", str(grown)]
    code, output = run(command + ([str(seeds)] if seeds.is_dir() else []), "asan-ubsan")
    if code == 0:
        return Counts(passed=1)
    print(f"FAILED fuzz: {name}: {describe(code)}\n{output[-20000:]}", flush=True)
    return Counts(failed=1)


def run(command, preset, extra=None):
    """Exit code (None: timed out) and all output. Ends whatever the command leaves running."""
    environment = os.environ | {
        "FLYT_PROGRAM": str(ROOT / "build" / preset / "flyt"),
        "FLYT_SOURCE": str(ROOT),
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "LC_ALL": "C.UTF-8",
    } | (extra or {})
    with tempfile.TemporaryFile() as sink:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                                   stdout=sink, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            code = process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        sink.seek(0)
        return code, sink.read().decode(errors="replace")


def describe(code):
    if code is None:
        return f"no end after {TIMEOUT} s"
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
