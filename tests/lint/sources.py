"""What the lint scripts share: the tree, its files, and who includes whom."""

import functools
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ["base", "drivers", "movers", "verifiers", "plans", "planners", "cli"]
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"', re.DOTALL)


def git(*arguments):
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else ""


def files(*suffixes):
    """Tracked files and new ones that are not ignored, relative to ROOT. No suffix: all."""
    names = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    paths = sorted({Path(name) for name in names if name})
    return [p for p in paths if (ROOT / p).is_file() and (not suffixes or p.suffix in suffixes)]


def cpp_files():
    return files(".cpp", ".hpp")


@functools.cache
def includes(path):
    """[(bracket, name)] of one file; bracket is '<' or '\"'."""
    return INCLUDE.findall(path.read_text(errors="replace"))


def own_includes(root, source):
    """Headers of ours that `source` names, relative to `root`."""
    return [Path(name) for bracket, name in includes(root / source)
            if bracket == '"' and (root / name).is_file()]


def reachable(root, source):
    """{header of ours: the chain of files from `source` to it}, followed transitively."""
    chains, todo = {}, [(source, (source,))]
    while todo:
        current, chain = todo.pop(0)
        for header in own_includes(root, current):
            if header not in chains:
                chains[header] = chain + (header,)
                todo.append((header, chain + (header,)))
    return chains


def bare_code(text):
    """`text` with comments and string contents blanked; lines keep their numbers."""
    def blank(match):
        quoted = match.group().startswith(('"', "R"))
        return ('""' if quoted else "") + "\n" * match.group().count("\n")
    return TOKEN.sub(blank, text)


def report(problems):
    """Prints what is wrong; the exit code of a lint script."""
    for problem in problems:
        print(problem)
    return 1 if problems else 0
