"""Reads the XML report of a Catch2 program, also one that broke off in the middle."""

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field


@dataclass
class Report:
    finished: dict = field(default_factory=dict)  # test name -> lines on its failures; []: passed
    running: str = ""  # the test in which the program ended


def read(path):
    report = Report()
    parser = ElementTree.XMLPullParser(events=("start", "end"))
    try:
        parser.feed(path.read_bytes())
        events(parser, report)
        parser.close()
    except (ElementTree.ParseError, FileNotFoundError):
        try:
            events(parser, report)
        except ElementTree.ParseError:
            pass  # what came before the break has been read
    return report


def events(parser, report):
    for event, element in parser.read_events():
        if element.tag == "TestCase" and event == "start":
            report.running = element.get("name")
        elif element.tag == "TestCase":
            result = element.find("OverallResult")
            passed = result is not None and result.get("success") == "true"
            report.finished[report.running] = [] if passed else describe(element) or ["  (no detail)"]
            report.running = ""


def describe(test):
    lines = []
    for item in test.iter():
        place = f"{item.get('filename', '').removeprefix('../../')}:{item.get('line')}"
        if item.tag == "Info":
            lines.append(f"  with {text(item)}")
        elif item.tag == "Expression" and item.get("success") == "false":
            lines.append(f"  {place}: {item.get('type')}({text(item.find('Original'))})")
            lines.append(f"    is {text(item.find('Expanded'))}")
            for thrown in item.findall("Exception"):
                lines.append(f"    threw {text(thrown)}")
        elif item.tag in ("Failure", "FatalErrorCondition"):
            lines.append(f"  {place}: {text(item)}")
        elif item.tag == "Exception" and item.get("filename"):
            lines.append(f"  {place}: threw {text(item)}")
    return lines


def text(element):
    return "" if element is None else (element.text or "").strip()
