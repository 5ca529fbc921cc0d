#!/usr/bin/env python3
"""Sizes and words that keep the tree readable. The limits are never raised.

The length of functions is checked by tidy.py: 80 lines, in cli/ 60.
"""

import os
import re
import sys
from pathlib import Path

from sources import ROOT, bare_code, cpp_files, files, report

LINES = {".cpp": 500, ".hpp": 160}
VIRTUAL_METHODS = 12  # of each class in drivers/driver.hpp, destructor aside
VAGUE = {"util", "utils", "common", "helper", "helpers", "misc"}
TAKEN_OVER = "tests/lab/"  # kept as its makers wrote it
STANDARD_ROOTS = set("bin boot dev etc home lib lib32 lib64 libx32 lost+found media mnt opt proc root run "
                     "sbin snap srv sys tmp usr var".split())

# (which files, what they may not hold, why)
WORDS = [
    (r"(?!cli/|tests/|.*/nbdkit_)", r"std::c(err|out)\b|\bstd(err|out)\b|(?<![\w.>])(exit|printf|f?puts|perror|fwrite)\s*\("
     r"|\bfmt::print\w*\s*\(|::write\s*\(\s*([12]|STD(OUT|ERR)_FILENO)\b",
     "only cli/ prints and exits"),
    (r"drivers/(?!decorators/|shared/)\w+/", r"\bsleep_(for|until)\b|\bu?sleep\s*\(|(?i:retry|dry_run)",
     "drivers neither wait nor retry: decorators and the executor do"),
    (r"(plans|verifiers|movers)/", r"\bofstream\b", "files that matter are written by write_durably()"),
    (r".*\.hpp$", r"\busing\s+namespace\b", "no using namespace in headers"),
]


def too_long():
    return [f"{path}: {count} lines, limit {LINES[path.suffix]}" for path in cpp_files()
            if (count := len((ROOT / path).read_text().splitlines())) > LINES[path.suffix]]


def wide_contracts():
    header = ROOT / "drivers/driver.hpp"
    if not header.exists():
        return []
    classes = re.split(r"^(?:class|struct)\s+(\w+)", bare_code(header.read_text()), flags=re.MULTILINE)
    counts = {name: len(re.findall(r"\bvirtual\b(?!\s*~)", body))
              for name, body in zip(classes[1::2], classes[2::2])}
    return [f"drivers/driver.hpp: {name} has {count} virtual methods, limit {VIRTUAL_METHODS}"
            for name, count in counts.items() if count > VIRTUAL_METHODS]


def vague_names():
    return [f"{path}: a name that says nothing" for path in files()
            if not str(path).startswith(TAKEN_OVER)
            and any(word in VAGUE for part in path.parts for word in re.split(r"[-_.]", part.lower()))]


# What WORDS must see, and what it must not: (path, line).
SEEN = [("movers/a.cpp", line) for line in (
    'std::cerr << "x";', "std::cout.flush();", "exit(1);", 'printf("x");', 'puts("x");', 'fmt::print("x");',
    'fmt::println("x");', 'perror("x");', "std::fputs(text, file);", "::fwrite(a, 1, 2, out);",
    "::write(2, a, 1);", "(void)!::write(STDERR_FILENO, a, 1);", "fprintf(stderr, a);", "std::ofstream out(path);")
] + [("drivers/ova/a.cpp", "std::this_thread::sleep_for(1s);"), ("base/a.hpp", "using namespace std;")]
UNSEEN = [("cli/a.cpp", 'fmt::print("x");'), ("movers/a.cpp", "::write(fd, a, 1);"),
          ("movers/a.cpp", "process.write(text);"), ("movers/a.cpp", "::_exit(127);"),
          ("movers/a.cpp", "write(2 * at, piece);"), ("drivers/shared/a.cpp", "usleep(1);")]


def wrong_words():
    return [f"{path}:{number}: {why}: {line.strip()}" for path in cpp_files()
            for number, line in enumerate(bare_code((ROOT / path).read_text()).splitlines(), 1)
            for why in words_in(path, line)]


def words_in(path, line):
    return [why for where, what, why in WORDS if re.match(where, str(path)) and re.search(what, line)]


def words_self_test():
    return ([f"self-test: {path}: not seen: {line}" for path, line in SEEN if not words_in(path, line)] +
            [f"self-test: {path}: wrongly reported: {line}" for path, line in UNSEEN if words_in(path, line)])


def unguarded_headers():
    return [f"{path}: no #pragma once" for path in files(".hpp")
            if "\n#pragma once\n" not in "\n" + (ROOT / path).read_text()]


def machine_paths():
    """Folders of this machine that no other has: beside the standard roots, and the checkout's own."""
    own = [f"/{name}/" for name in os.listdir("/")
           if Path("/", name).is_dir() and name not in STANDARD_ROOTS and not name.startswith(".")]
    pattern = re.compile(r"(?<![\w./-])(?:" + "|".join(map(re.escape, own + [f"{ROOT}/"])) + ")")
    return [f"{path}: names a path of this machine: {match.group()}" for path in files()
            if (match := pattern.search((ROOT / path).read_text(errors="replace")))]


if __name__ == "__main__":
    sys.exit(report(too_long() + wide_contracts() + vague_names() + words_self_test() + wrong_words()
                    + unguarded_headers() + machine_paths()))
