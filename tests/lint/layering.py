#!/usr/bin/env python3
"""The arrows of docs/design.md hold in this tree, and a broken one would be seen."""

import sys
import tempfile
from pathlib import Path

import arrows
from sources import ROOT, report

# A made-up tree: {file: what it includes}. Those in WRONG, and only those, must be reported.
RIGHT = {
    "base/http.hpp": "<vector>",
    "base/http.cpp": '"base/http.hpp" <curl/curl.h>',
    "base/site.hpp": "<string>",
    "drivers/driver.hpp": '"base/site.hpp"',
    "drivers/all.cpp": '"drivers/driver.hpp" "drivers/ova/ova.hpp" "drivers/libvirt/libvirt.hpp"',
    "drivers/shared/vmdk.hpp": '"base/site.hpp"',
    "drivers/ova/ova.hpp": '"drivers/driver.hpp" "drivers/shared/vmdk.hpp"',
    "drivers/libvirt/libvirt.hpp": '"drivers/driver.hpp" <libvirt/libvirt.h>',
    "plans/plan.hpp": '"base/site.hpp"',
    "plans/plan_json.cpp": '"plans/plan.hpp" <nlohmann/json.hpp>',
    "plans/executor.cpp": '"plans/plan.hpp" "drivers/driver.hpp" <sqlite3.h>',
    "planners/map.cpp": '"plans/plan.hpp" <algorithm>',
    "cli/run.cpp": '"planners/place.hpp" "drivers/ova/ova.hpp" <boost/program_options.hpp>',
}
WRONG = {
    "base/upwards.cpp": '"plans/plan.hpp"',
    "base/log.cpp": "<spdlog/spdlog.h>",
    "drivers/libvirt/steals.cpp": '"drivers/ova/ova.hpp"',
    "drivers/shared/knows.cpp": '"drivers/ova/ova.hpp"',
    "movers/shortcut.cpp": '"drivers/driver.hpp"',
    "verifiers/fetches.cpp": '"movers/mover.hpp"',
    "movers/mover.hpp": '"tests/catch.hpp"',
    "plans/implementation.cpp": '"drivers/all.hpp"',
    "plans/text.cpp": "<nlohmann/json.hpp>",
    "plans/journal.hpp": '"drivers/ova/ova.hpp"',
    "planners/place.hpp": "<fstream>",
    "planners/journal.cpp": '"plans/journal.hpp"',
    "planners/fetch.cpp": '"base/http.hpp"',
}
PRESENT = {"drivers/all.hpp": "", "tests/catch.hpp": ""}


def write_tree(root, tree):
    for name, included in tree.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("".join(f"#include {i}\n" for i in included.split()))


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_tree(root, RIGHT | WRONG | PRESENT)
        (root / "planners/now.cpp").write_text("auto t = std::chrono::system_clock::now();\n")
        reported = {line.split(":")[0] for line in arrows.problems(root)}
        seeded = set(WRONG) | {"planners/now.cpp"}
        return ([f"self-test: {name}: not seen" for name in sorted(seeded - reported)] +
                [f"self-test: {name}: wrongly reported" for name in sorted(reported - seeded)])


if __name__ == "__main__":
    sys.exit(report(self_test() + arrows.problems(ROOT)))
