"""The test suites of tests/run.py: which there are, and how each kind is run."""

import os
import signal
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import catch_report

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
TIMEOUT = int(os.environ.get("FLYT_TEST_TIMEOUT", "1800"))  # seconds for one program or script
AT_ONCE = min(2, os.cpu_count() or 1)  # guests are emulated, each on one processor
# For each target, whichever is first.
FUZZ_RUNS, FUZZ_SECONDS = 20000, 10 if os.environ.get("CI") else 30
FIRST = ["lint", "unit", "conformance", "faults", "golden", "integration"]
LAST = ["sanitizers", "tsan", "fuzz", "full"]
NOT_SUITES = {"bench", "fuzz", "lab"}
SANITIZED = ["unit", "conformance", "faults"]


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


def discover():
    """All suites that have anything in them, by name, in the order they are run."""
    found = {}
    for folder in sorted(TESTS.iterdir()):
        if folder.is_dir() and folder.name not in NOT_SUITES and (has_program(folder) or scripts(folder)):
            found[folder.name] = lambda name=folder.name: run_folder(name)
    if any(has_program(TESTS / name) for name in SANITIZED):
        found["sanitizers"] = lambda: run_programs("asan-ubsan", SANITIZED)
    if any(tagged_tsan(TESTS / name) for name in SANITIZED):
        found["tsan"] = lambda: run_programs("tsan", filter_tsan(SANITIZED), "[tsan]")
    if list((TESTS / "fuzz").glob("*.cpp")):
        found["fuzz"] = run_fuzz
    order = FIRST + sorted(set(found) - set(FIRST) - set(LAST)) + LAST
    return {name: found[name] for name in order if name in found}


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


def filter_tsan(names):
    return [name for name in names if tagged_tsan(TESTS / name)]


def run_folder(name):
    program = has_program(TESTS / name)
    paths = scripts(TESTS / name)
    targets = ["flyt"] + ([f"flyt_{name}"] if program else [])
    if name != "lint" and not build("dev", targets):
        return Counts(failed=1)
    jobs = [lambda: run_program("dev", name, ())] if program else []
    jobs += [lambda path=path: run_script(name, path) for path in paths]
    return run_all(lambda job: job(), jobs)


def build(preset, targets):
    if subprocess.run(["./dev", "build", preset, *targets], cwd=ROOT).returncode == 0:
        return True
    print(f"FAILED to build {' '.join(targets)} of the preset {preset}")
    return False


def run_programs(preset, names, *arguments):
    """Runs the Catch2 programs of the folders `names`."""
    names = [name for name in names if has_program(TESTS / name)]
    program = ["flyt"] if preset != "tsan" else []
    if not build(preset, program + [f"flyt_{name}" for name in names]):
        return Counts(failed=1)
    return run_all(lambda name: run_program(preset, name, arguments), names)


def run_program(preset, name, arguments):
    with tempfile.TemporaryDirectory(prefix="flyt-run-") as folder:
        report, skips = Path(folder) / "report.xml", Path(folder) / "skips"
        command = [f"build/{preset}/flyt_{name}", "-r", "xml", "-o", str(report), *arguments]
        if preset == "tsan" and may_fix_addresses():
            command = ["setarch", "-R", *command]  # its shadow memory dislikes address randomization
        code, output = run(command, preset, {"FLYT_SKIPS": str(skips)})
        return judge_program(name, code, output, catch_report.read(report), read_skips(skips))


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
    if not build("asan-ubsan", ["fuzz_targets"]):
        return Counts(failed=1)
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
