#include "tests/rvtools_export.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include "base/xml_escape.hpp"

namespace flyt::tests {
namespace {

std::string quoted(const std::string& text, char mark) {
  if (text.find_first_of(std::string("\"\r\n") + mark) == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + '"';
}

// Of texts below U+10000.
std::vector<std::uint16_t> units_of(const std::string& text) {
  std::vector<std::uint16_t> units;
  for (std::size_t at = 0; at < text.size();) {
    const auto first = static_cast<unsigned char>(text[at]);
    const std::size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : 3;
    unsigned character = length == 1 ? first : first & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
      character = character << 6U | (static_cast<unsigned char>(text[at + i]) & 0x3fU);
    }
    units.push_back(static_cast<std::uint16_t>(character));
    at += length;
  }
  return units;
}

std::string encoded(const std::string& text, Encoding encoding) {
  if (encoding == Encoding::utf8) return text;
  if (encoding == Encoding::utf8_mark) return "\xef\xbb\xbf" + text;
  const bool big = encoding == Encoding::utf16_big;
  std::string out = encoding == Encoding::windows_1252 ? "" : big ? "\xfe\xff" : "\xff\xfe";
  for (const std::uint16_t unit : units_of(text)) {
    const char high = static_cast<char>(unit >> 8U), low = static_cast<char>(unit & 0xffU);
    if (encoding == Encoding::windows_1252) {
      out += low;
    } else {
      out += big ? high : low;
      out += big ? low : high;
    }
  }
  return out;
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789.") == std::string::npos &&
         std::count(text.begin(), text.end(), '.') < 2;
}

std::string column_name(std::size_t column) {
  std::string name;
  for (++column; column != 0; column = (column - 1) / 26) {
    name.insert(0, 1, static_cast<char>('A' + (column - 1) % 26));
  }
  return name;
}

class SheetWriter {
 public:
  SheetWriter(const XlsxStyle& style, std::vector<std::string>& shared)
      : style_(style), shared_(shared) {}

  std::string text(const Table& table) {
    const std::string& p = style_.prefix;
    std::string out = fmt::format(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<{0}worksheet{1}><{0}sheetData>", p,
        p.empty() ? " xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\""
                  : " xmlns:x=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"");
    for (std::size_t row = 0; row < table.size(); ++row) {
      out += fmt::format("<{}row r=\"{}\">", p, row + 1);
      for (std::size_t i = 0; i < table[row].size(); ++i) out += cell(table[row][i], row, i);
      out += fmt::format("</{}row>", p);
    }
    return out + fmt::format("</{0}sheetData></{0}worksheet>", p);
  }

 private:
  std::string cell(const std::string& text, std::size_t row, std::size_t column) {
    const std::string& p = style_.prefix;
    if (text.empty() && style_.references) return {};
    const std::string where =
        style_.references ? fmt::format(" r=\"{}{}\"", column_name(column), row + 1) : "";
    if (is_number(text)) return fmt::format("<{0}c{1}><{0}v>{2}</{0}v></{0}c>", p, where, text);
    if (!style_.shared) {
      return fmt::format("<{0}c{1} t=\"inlineStr\"><{0}is><{0}t>{2}</{0}t></{0}is></{0}c>", p,
                         where, xml_escape(text));
    }
    shared_.push_back(text);
    return fmt::format("<{0}c{1} t=\"s\"><{0}v>{2}</{0}v></{0}c>", p, where, shared_.size() - 1);
  }

  const XlsxStyle& style_;
  std::vector<std::string>& shared_;
};

}  // namespace

std::string csv_of(const Table& table, const CsvStyle& style) {
  std::string text;
  for (const auto& row : table) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i != 0) text += style.mark;
      text += quoted(row[i], style.mark);
    }
    text += style.line_end;
  }
  return encoded(text, style.encoding);
}

void write_csv_files(const std::filesystem::path& folder, const Tabs& tabs, const CsvStyle& style) {
  std::filesystem::create_directories(folder);
  for (const auto& [name, table] : tabs) {
    std::ofstream(folder / fmt::format("RVTools_tab{}.csv", name), std::ios::binary)
        << csv_of(table, style);
  }
}

Members xlsx_members(const Tabs& tabs, const XlsxStyle& style) {
  Members members;
  std::vector<std::string> shared;
  SheetWriter writer(style, shared);
  std::string sheets, links;
  for (const auto& [name, table] : tabs) {
    const std::size_t number = members.size() + 1;
    members[fmt::format("xl/worksheets/sheet{}.xml", number)] = writer.text(table);
    sheets += fmt::format("<sheet name=\"{0}\" sheetId=\"{1}\" r:id=\"rId{1}\"/>", name, number);
    links += fmt::format(
        "<Relationship Id=\"rId{0}\" Type=\"worksheet\" Target=\"{1}worksheets/"
        "sheet{0}.xml\"/>",
        number, style.prefix.empty() ? "" : "/xl/");
  }
  members["xl/workbook.xml"] = fmt::format("<workbook><sheets>{}</sheets></workbook>", sheets);
  members["xl/_rels/workbook.xml.rels"] = fmt::format("<Relationships>{}</Relationships>", links);
  members["[Content_Types].xml"] = "<Types/>";
  if (!style.shared) return members;
  std::string items;
  for (const std::string& one : shared) {
    items += fmt::format("<{0}si><{0}t>{1}</{0}t></{0}si>", style.prefix, xml_escape(one));
  }
  members["xl/sharedStrings.xml"] = fmt::format("<{0}sst>{1}</{0}sst>", style.prefix, items);
  return members;
}

void write_zip(const std::filesystem::path& file, const Members& members) {
  archive* to = archive_write_new();
  archive_write_set_format_zip(to);
  bool good = archive_write_open_filename(to, file.c_str()) == ARCHIVE_OK;
  for (const auto& [name, content] : members) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    good = good && archive_write_header(to, entry) == ARCHIVE_OK &&
           archive_write_data(to, content.data(), content.size()) ==
               static_cast<la_ssize_t>(content.size());
    archive_entry_free(entry);
  }
  good = archive_write_free(to) == ARCHIVE_OK && good;
  if (!good) throw std::runtime_error("cannot write " + file.string());
}

namespace {

const std::string vcenter = "1f2e3d4c-0000-4000-8000-00000000aaaa";

// Every tab of machines ends with these.
std::vector<std::string> with_identity(std::vector<std::string> cells, const std::string& id,
                                       const std::string& uuid) {
  cells.insert(cells.end(), {id, uuid, "vc01.kommune.example", vcenter});
  return cells;
}

const std::string web = "vm-101", web_uuid = "50210000-0000-4000-8000-000000000101";
const std::string db = "vm-102", db_uuid = "50210000-0000-4000-8000-000000000102";
const std::string gone = "vm-103", gone_uuid = "50210000-0000-4000-8000-000000000103";

Table infos() {
  Table table{{"VM",
               "Powerstate",
               "Template",
               "SRM Placeholder",
               "Config status",
               "DNS Name",
               "Connection state",
               "CPUs",
               "Memory",
               "NICs",
               "Disks",
               "Network #1",
               "Network #2",
               "In Use MiB",
               "EFI Secure boot",
               "Firmware",
               "Annotation",
               "Backup",
               "Datacenter",
               "Host",
               "Folder",
               "OS according to the configuration file",
               "OS according to the VMware Tools",
               "VI SDK Server type",
               "VM ID",
               "VM UUID",
               "VI SDK Server",
               "VI SDK UUID"}};
  const std::string type = "VMware vCenter Server 7.0.3 build-20150588";
  table.push_back(with_identity({"web01",
                                 "poweredOn",
                                 "False",
                                 "False",
                                 "green",
                                 "web01.kommune.example",
                                 "connected",
                                 "4",
                                 "8192",
                                 "1",
                                 "1",
                                 "Servere",
                                 "",
                                 "21504",
                                 "False",
                                 "bios",
                                 "runs the \"site\";\nask Ærø",
                                 "daily",
                                 "Nykøbing",
                                 "esx1",
                                 "/Nykøbing/vm/Drift/Web",
                                 "Debian GNU/Linux 11 (64-bit)",
                                 "Debian GNU/Linux 12 (64-bit)",
                                 type},
                                web, web_uuid));
  table.push_back(with_identity({"db01",
                                 "poweredOff",
                                 "False",
                                 "False",
                                 "green",
                                 "",
                                 "connected",
                                 "2",
                                 "4096",
                                 "2",
                                 "3",
                                 "Servere",
                                 "Backup",
                                 "90112",
                                 "True",
                                 "efi",
                                 "",
                                 "",
                                 "Nykøbing",
                                 "esx1",
                                 "/Nykøbing/vm",
                                 "Microsoft Windows Server 2019 (64-bit)",
                                 "",
                                 type},
                                db, db_uuid));
  table.push_back(
      with_identity({"gone01", "poweredOff", "False", "False", "gray",     "",     "inaccessible",
                     "1",      "1024",       "0",     "0",     "",         "",     "0",
                     "False",  "bios",       "",      "",      "Nykøbing", "esx2", "/Nykøbing/vm",
                     "",       "",           type},
                    gone, gone_uuid));
  return table;
}

Table disks() {
  Table table{{"VM",           "Powerstate",     "Template",     "Disk",    "Disk Key",
               "Disk UUID",    "Disk Path",      "Capacity MiB", "Raw",     "Disk Mode",
               "Sharing mode", "Thin",           "Controller",   "Label",   "Unit #",
               "Shared Bus",   "Raw Comp. Mode", "VM ID",        "VM UUID", "VI SDK Server",
               "VI SDK UUID"}};
  table.push_back(
      with_identity({"web01", "poweredOn", "False", "Hard disk 1", "2000", "6000C29A-0001",
                     "[ds1] web01/web01.vmdk", "40960", "False", "persistent", "sharingNone",
                     "True", "VMware paravirtual SCSI", "SCSI controller 0", "0", "noSharing", ""},
                    web, web_uuid));
  // Not in their order.
  table.push_back(with_identity(
      {"db01", "poweredOff", "False", "Hard disk 2", "2016", "6000C29A-0003",
       "[ds2] db01/data.vmdk", "102400", "False", "independent_persistent", "sharingNone", "False",
       "LSI Logic SAS", "SCSI controller 1", "0", "noSharing", ""},
      db, db_uuid));
  table.push_back(
      with_identity({"db01", "poweredOff", "False", "Hard disk 1", "2000", "6000C29A-0002",
                     "[ds1] db01/db01.vmdk", "61440", "False", "persistent", "sharingNone", "True",
                     "LSI Logic SAS", "SCSI controller 0", "0", "noSharing", ""},
                    db, db_uuid));
  table.push_back(
      with_identity({"db01", "poweredOff", "False", "Hard disk 3", "2001", "6000C29A-0004",
                     "[ds1] db01/raw.vmdk", "10240", "True", "persistent", "sharingNone", "False",
                     "LSI Logic SAS", "SCSI controller 0", "1", "noSharing", "physicalMode"},
                    db, db_uuid));
  return table;
}

Table cards() {
  Table table{{"VM", "Powerstate", "NIC label", "Adapter", "Network", "Switch", "Connected",
               "Starts Connected", "Mac Address", "Type", "IPv4 Address", "IPv6 Address", "VM ID",
               "VM UUID", "VI SDK Server", "VI SDK UUID"}};
  table.push_back(with_identity(
      {"web01", "poweredOn", "Network adapter 1", "Vmxnet3", "Servere", "dvs1", "True", "True",
       "00:50:56:AB:00:01", "assigned", "10.1.2.3, 10.1.2.4", "fe80::1"},
      web, web_uuid));
  table.push_back(
      with_identity({"db01", "poweredOff", "Network adapter 1", "E1000e", "Servere", "dvs1",
                     "False", "True", "00:50:56:ab:00:02", "assigned", "unknown", ""},
                    db, db_uuid));
  table.push_back(
      with_identity({"db01", "poweredOff", "Network adapter 2", "Flexible", "Backup", "vSwitch0",
                     "False", "False", "00:50:56:ab:00:03", "assigned", "", ""},
                    db, db_uuid));
  return table;
}

Table of_web(std::vector<std::string> header, std::vector<std::string> cells) {
  header.insert(header.end(), {"VM ID", "VM UUID", "VI SDK Server", "VI SDK UUID"});
  return {header, with_identity(std::move(cells), web, web_uuid)};
}

}  // namespace

Tabs rvtools_4() {
  Tabs tabs{{"vInfo", infos()}, {"vDisk", disks()}, {"vNetwork", cards()}};
  tabs["vCPU"] = of_web({"VM", "CPUs", "Sockets", "Cores p/s"}, {"web01", "4", "2", "2"});
  tabs["vMemory"] = of_web({"VM", "Size MiB"}, {"web01", "8192"});
  tabs["vPartition"] = of_web({"VM", "Disk", "Capacity MiB", "Consumed MiB", "Free MiB"},
                              {"web01", "/srv/nfs", "204800", "1024", "203776"});
  tabs["vCD"] = of_web({"VM", "Device Node", "Connected", "Starts Connected", "Device Type"},
                       {"web01", "CD/DVD drive 1", "True", "True", "ISO [ds1] iso/debian.iso"});
  tabs["vUSB"] = of_web({"VM", "Device Node", "Device Type"}, {"web01", "USB 1", "USB dongle"});
  tabs["vSnapshot"] = of_web({"VM", "Name", "Description", "Size MiB (total)"},
                             {"web01", "before update", "", "512"});
  tabs["vTools"] = of_web({"VM", "Tools", "Tools Version"}, {"web01", "toolsNotRunning", "12352"});
  tabs["vHost"] = {{"Host", "Datacenter", "# Cores", "HT Active", "# Memory", "Memory usage %",
                    "Object ID", "VI SDK UUID"},
                   {"esx1", "Nykøbing", "16", "True", "262144", "75", "host-11", vcenter}};
  tabs["vDatastore"] = {
      {"Name", "Accessible", "Type", "Capacity MiB", "Free MiB", "Object ID", "VI SDK UUID"},
      {"ds1", "True", "VMFS", "1048576", "524288", "datastore-21", vcenter},
      {"ds2", "False", "NFS", "", "", "datastore-22", vcenter}};
  tabs["vSwitch"] = {{"Host", "Switch", "VI SDK UUID"}, {"esx1", "vSwitch0", vcenter}};
  tabs["vPort"] = {{"Host", "Port Group", "Switch", "VLAN", "VI SDK UUID"},
                   {"esx1", "Backup", "vSwitch0", "30", vcenter},
                   {"esx2", "Backup", "vSwitch0", "31", vcenter}};
  tabs["dvPort"] = {{"Port", "Switch", "VLAN", "Object ID", "VI SDK UUID"},
                    {"Servere", "dvs1", "120", "dvportgroup-31", vcenter},
                    {"dvs1-DVUplinks-30", "dvs1", "0-4094", "dvportgroup-30", vcenter}};
  tabs["vMetaData"] = {
      {"RVTools major version", "RVTools version", "xlsx creation datetime", "Server"},
      {"4.4", "4.4.1.0", "2026-11-20 08:00:00", "vc01.kommune.example"}};
  return tabs;
}

Tabs rvtools_3() {
  Tabs tabs;
  tabs["vInfo"] = {
      {"VM", "Powerstate", "Template", "CPUs", "Memory", "NICs", "Disks", "Network #1", "In Use MB",
       "Firmware", "OS", "Datacenter", "Host", "VM UUID", "VI SDK Server"},
      {"gammel", "poweredOff", "False", "1", "2.048", "1", "2", "Servere", "20.480", "bios",
       "CentOS 4/5 or later (64-bit)", "DC", "esx1", "42210000-0000-4000-8000-000000000001",
       "vc01"}};
  tabs["vDisk"] = {{"VM", "Disk", "Capacity MB", "Raw", "Disk Mode", "Thin", "Controller",
                    "SCSI Unit #", "Path"},
                   {"gammel", "Hard disk 1", "16.384", "False", "persistent", "False",
                    "SCSI controller 0", "0", "[ds1] gammel/gammel.vmdk"},
                   {"gammel", "Hard disk 2", "4.096", "False", "persistent", "False",
                    "SCSI controller 0", "1", "[ds1] gammel/gammel_1.vmdk"}};
  tabs["vNetwork"] = {
      {"VM", "Adapter", "Network", "Connected", "Starts Connected", "Mac Address", "IP Address"},
      {"gammel", "E1000", "Servere", "True", "True", "00:50:56:aa:00:09", "10.1.2.9"}};
  return tabs;
}

}  // namespace flyt::tests
