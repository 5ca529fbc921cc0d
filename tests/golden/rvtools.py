#!/usr/bin/env python3
"""An export of RVTools: looked at, assessed and planned from, as a workbook and as files."""

import csv
import json
import sys
import zipfile
from xml.sax.saxutils import escape

import worlds
from transcript import Transcript

TODAY = worlds.TODAY
VCENTER = ("vc01.kommune.example", "1f2e3d4c-0000-4000-8000-00000000aaaa")
FILE = '[endpoints.old]\ndriver = "rvtools"\npath   = "RVTools_export_all.xlsx"\n'
LIVE = '[endpoints.old]\ndriver = "memory"\nworld  = "old"\n'


def table(columns, *rows):
    """Every row ends with what the machine is in vCenter."""
    names = columns.split(",") + ["VM ID", "VM UUID", "VI SDK Server", "VI SDK UUID"]
    return [names] + [row.split(",") + [f"vm-{number}", f"50210000-0000-4000-8000-{number:012d}", *VCENTER]
                      for number, row in rows]


TABS = {
    "vInfo": table("VM,Powerstate,Template,Connection state,CPUs,Memory,NICs,Disks,In Use MiB,Firmware,Annotation,"
                   "Backup,Datacenter,Host,OS according to the configuration file",
                   (1, "web01,poweredOn,False,connected,4,8192,1,1,21504,bios,,daily,Hall A,esx1,"
                       "Debian GNU/Linux 12 (64-bit)"),
                   (2, "db01,poweredOff,False,connected,2,4096,1,2,90112,efi,,,Hall A,esx1,"
                       "Microsoft Windows Server 2019 (64-bit)"),
                   (3, "Ærø,poweredOff,False,connected,2,4096,0,1,1024,bios,,,Hall A,esx1,Ubuntu Linux (64-bit)"),
                   (4, "gold,poweredOff,True,connected,1,1024,0,0,0,bios,,,Hall A,esx1,Other"),
                   (5, "lost,poweredOff,False,inaccessible,1,1024,0,0,0,bios,,,Hall A,esx1,")),
    "vDisk": table("VM,Disk,Disk Key,Path,Capacity MiB,Raw,Disk Mode,Thin,Controller,Label,Unit #,Raw Comp. Mode",
                   (1, "web01,Hard disk 1,2000,[ds1] web01/web01.vmdk,4096,False,persistent,True,"
                       "VMware paravirtual SCSI,SCSI controller 0,0,"),
                   (2, "db01,Hard disk 1,2000,[ds1] db01/db01.vmdk,4096,False,persistent,False,LSI Logic SAS,"
                       "SCSI controller 0,0,"),
                   (2, "db01,Hard disk 2,2001,[ds1] db01/raw.vmdk,2048,True,persistent,False,LSI Logic SAS,"
                       "SCSI controller 0,1,physicalMode"),
                   (3, "Ærø,Hard disk 1,2000,[ds1] a/a.vmdk,1024,False,persistent,False,LSI Logic,"
                       "SCSI controller 0,0,")),
    "vNetwork": table("VM,NIC label,Adapter,Network,Starts Connected,Mac Address,IPv4 Address",
                      (1, "web01,Network adapter 1,Vmxnet3,VM Network,True,00:50:56:00:00:01,10.1.2.3"),
                      (2, "db01,Network adapter 1,E1000e,VM Network,True,00:50:56:00:00:02,")),
    "vSnapshot": table("VM,Name", (1, "web01,before update")),
    "vTools": table("VM,Tools", (1, "web01,toolsNotRunning")),
    "vHost": [["Host", "# Cores", "HT Active", "# Memory", "Object ID"], ["esx1", "16", "True", "262144", "host-11"]],
    "vDatastore": [["Name", "Type", "Capacity MiB", "Free MiB", "Object ID"],
                   ["ds1", "VMFS", "1048576", "524288", "datastore-21"]],
    "vPort": [["Port Group", "VLAN"], ["VM Network", "120"]],
}


def sheet(rows):
    def cell(text):
        if text.isdigit():
            return f"<c><v>{text}</v></c>"
        return f'<c t="inlineStr"><is><t>{escape(text)}</t></is></c>'
    return ("<worksheet><sheetData>" + "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows) +
            "</sheetData></worksheet>")


def write_workbook(file, tabs):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as to:
        sheets = "".join(f'<sheet name="{name}" sheetId="{i}" r:id="rId{i}"/>' for i, name in enumerate(tabs, 1))
        links = "".join(f'<Relationship Id="rId{i}" Target="worksheets/sheet{i}.xml"/>'
                        for i, _ in enumerate(tabs, 1))
        to.writestr("xl/workbook.xml", f"<workbook><sheets>{sheets}</sheets></workbook>")
        to.writestr("xl/_rels/workbook.xml.rels", f"<Relationships>{links}</Relationships>")
        for i, rows in enumerate(tabs.values(), 1):
            to.writestr(f"xl/worksheets/sheet{i}.xml", sheet(rows))


def write_files(folder, tabs):
    """As a Danish Windows writes them."""
    folder.mkdir()
    for name, rows in tabs.items():
        with open(folder / f"RVTools_tab{name}.csv", "w", encoding="utf-16", newline="") as to:
            csv.writer(to, delimiter=";").writerows(rows)


def look_at_table(seen):
    """A reader of CSV finds what the JSON says."""
    rows = list(csv.DictReader(seen.flyt("assess", "--csv", keep=False).stdout.splitlines()))
    told = json.loads(seen.flyt("assess", "--json", keep=False).stdout)
    seen.expect([row["text"] for row in rows if row["text"]] == [one["text"] for one in told["concerns"]], f"{rows}")
    verdicts = {one["machine"]: one["verdict"] for one in told["verdicts"]}
    seen.expect({row["machine"]: row["verdict"] for row in rows} == verdicts, f"{rows}: {verdicts}")


def without_site(plan):
    """The site names the export's path."""
    return {name: value for name, value in json.loads(plan).items() if name not in ("site", "digest")}


def main():
    seen = Transcript("rvtools")
    site = worlds.changed(worlds.SITE, LIVE, FILE)
    worlds.write(seen, site=site)
    seen.say("an export where the vCenter should be")
    seen.flyt("check", *TODAY)
    file = seen.folder / "RVTools_export_all.xlsx"
    write_workbook(file, TABS)
    seen.flyt("inventory", "old")
    seen.flyt("assess")
    seen.flyt("assess", "--csv")
    seen.flyt("assess", "--csv", "--json")
    look_at_table(seen)
    seen.flyt("plan", *TODAY)
    first = (seen.folder / "plan.json").read_bytes()
    seen.flyt("apply", "plan.json")

    seen.say("the same as files; saved, and planned from what was saved")
    write_files(seen.folder / "files", TABS)
    seen.write("flyt.toml", worlds.changed(site, file.name, "files"))
    seen.flyt("plan", *TODAY, keep=False)
    again = (seen.folder / "plan.json").read_bytes()
    seen.expect(without_site(first) == without_site(again), "files and workbook gave other plans")
    seen.flyt("inventory", "old", "-o", "saved.json")
    seen.write("flyt.toml", worlds.changed(site, FILE, '[endpoints.old]\ndriver = "saved"\npath = "saved.json"\n'))
    seen.flyt("plan", *TODAY, keep=False)
    seen.flyt("assess", keep=False)

    seen.say("the platform itself: a plan from an export is made anew")
    seen.write("flyt.toml", worlds.SITE)
    seen.flyt("apply", "plan.json", "--machines", "1")

    seen.say("exports that are none")
    seen.write("flyt.toml", site)
    for name, tabs in (("no vDisk", {"vInfo": TABS["vInfo"]}), ("no column", {"vInfo": [["a"], ["b"]], "vDisk": []})):
        seen.say(name)
        write_workbook(file, tabs)
        seen.flyt("assess")
    file.write_text("this is no workbook")
    seen.flyt("assess")
    broken = seen.folder / "files/RVTools_tabvDisk.csv"
    broken.write_text(broken.read_text(encoding="utf-16")[:-60], encoding="utf-8")
    seen.write("flyt.toml", worlds.changed(site, file.name, "files"))
    seen.flyt("assess")
    return seen.finish()


if __name__ == "__main__":
    sys.exit(main())
