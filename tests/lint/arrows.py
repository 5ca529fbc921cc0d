"""Who may include whom (docs/design.md, folder tree), as data and as one function."""

import re
from pathlib import Path

from sources import FOLDERS, includes, own_includes, reachable

CONTRACTS = {"drivers/driver.hpp", "movers/mover.hpp", "movers/converter.hpp", "verifiers/verifier.hpp"}
PLAN_DOCUMENTS = {"plans/plan.hpp"}  # pure data: what planners may see of plans

# A folder may include itself, and of the others: whole folders, or single headers.
MAY_INCLUDE = {
    "base": set(),
    "drivers": {"base"},
    "movers": {"base"},
    "verifiers": {"base"},
    "plans": {"base"} | CONTRACTS,
    "planners": {"base"} | PLAN_DOCUMENTS,
    "cli": set(FOLDERS),
}

# One driver never includes another, but for these.
SHARED_DRIVER_FOLDERS = {"shared"}
THIN_LAYERS = {("ovhcloud", "openstack")}
DRIVER_TABLE = "drivers/all.cpp"

# Third-party headers and the only files that may include them. Tests may include any.
OWNERS = [
    (r"libvirt/", r"drivers/libvirt/"),
    (r"curl/", r"base/http"),
    (r"openssl/", r"base/(digest|sha256|http)"),
    (r"nlohmann/", r".*_json\.[ch]pp$"),
    (r"boost/", r"cli/"),
    (r"toml\+\+/|toml\.hpp$", r"cli/"),
    (r"libnbd\.h$", r"movers/"),
    (r"pugixml\.hpp$", r"drivers/"),
    (r"archive(_entry)?\.h$", r"drivers/rvtools/"),
    (r"zlib\.h$", r"drivers/"),
    (r"sqlite3\.h$", r"plans/"),
    (r"valijson/", r"plans/"),
    (r"spdlog/", r"cli/"),
]

# Planners are pure functions: these, and headers of base that act on the world, are out of reach.
NO_INPUT_OUTPUT = re.compile(
    r"(fstream|iostream|cstdio|stdio\.h|filesystem|thread|mutex|shared_mutex|condition_variable|future"
    r"|unistd\.h|fcntl\.h|netdb\.h|poll\.h|sys/.*|netinet/.*|arpa/.*|ctime|time\.h|random)$")
ACTING_HEADERS = re.compile(r"base/(http|process|durable_file|log)")
CLOCK = re.compile(r"\b(system|steady|high_resolution|utc)_clock\s*::\s*now\b|\bstd::time\s*\(")


def problems(root):
    found = []
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.[ch]pp")):
            source = path.relative_to(root)
            found += wrong_arrows(root, source) + wrong_owners(root, source)
            if folder == "planners":
                found += impurities(root, source)
    return found


def wrong_arrows(root, source):
    found = []
    for header in own_includes(root, source):
        if header.parts[0] == "tests":
            found.append(f"{source}: nothing includes tests, but this includes {header}")
    for header, chain in reachable(root, source).items():
        if header.parts[0] in FOLDERS and not may_include(source, header):
            found.append(f"{source}: may not include {header} ({' > '.join(map(str, chain))})")
    return found


def may_include(source, header):
    folder = source.parts[0]
    if header.parts[0] == folder:
        return not crosses_drivers(source, header)
    return header.parts[0] in MAY_INCLUDE[folder] or str(header) in MAY_INCLUDE[folder]


def crosses_drivers(source, header):
    if source.parts[0] != "drivers" or len(header.parts) < 3 or str(source) == DRIVER_TABLE:
        return False
    other = header.parts[1]
    own = source.parts[1] if len(source.parts) > 2 else ""
    return other != own and other not in SHARED_DRIVER_FOLDERS and (own, other) not in THIN_LAYERS


def wrong_owners(root, source):
    return [f"{source}: may not include <{name}>, which belongs to {owner}"
            for _, name in includes(root / source)
            for library, owner in OWNERS
            if re.match(library, name) and not re.match(owner, str(source))]


def impurities(root, source):
    found = [f"{source}: planners do no input or output, but this includes <{name}>"
             for bracket, name in includes(root / source)
             if bracket == "<" and NO_INPUT_OUTPUT.match(name)]
    for header, chain in reachable(root, source).items():
        if ACTING_HEADERS.match(str(header)):
            found.append(f"{source}: planners do no input or output, but this reaches {header}"
                         f" ({' > '.join(map(str, chain))})")
    if CLOCK.search((root / source).read_text()):
        found.append(f"{source}: planners read no clock")
    return found
