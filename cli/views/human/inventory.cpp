#include <fmt/format.h>

#include <algorithm>

#include "base/units.hpp"
#include "cli/views/human/render.hpp"

namespace flyt::cli {
namespace {

template <typename T>
std::string size_or_unknown(const std::optional<T>& bytes) {
  return bytes ? format_size(*bytes) : "?";
}

std::string number_or_unknown(const std::optional<std::uint32_t>& number) {
  return number ? fmt::format("{}", *number) : "?";
}

std::string machine_note(const Machine& machine) {
  if (!machine.unreadable.empty()) return "unreadable: " + machine.unreadable;
  std::vector<std::string> words;
  if (machine.is_template) words.emplace_back("template");
  const std::uint32_t snapshots = machine.hosting.snapshots.value_or(0);
  if (snapshots > 0) words.push_back(count(snapshots, "snapshot"));
  if (machine.hosting.encrypted.value_or(false)) words.emplace_back("encrypted");
  if (!machine.migration_id.empty()) words.push_back("made by " + machine.migration_id);
  for (const auto& tag : machine.tags) words.push_back(tag);
  if (!machine.concerns.empty()) words.push_back(count(machine.concerns.size(), "concern"));
  return fmt::format("{}", fmt::join(words, ", "));
}

std::vector<Cell> machine_row(const Machine& machine) {
  std::uint64_t size = 0;
  for (const auto& disk : machine.disks) size += disk.size_bytes;
  const bool known = machine.unreadable.empty();
  const std::string& guest = machine.guest.name.empty() ? machine.guest.id : machine.guest.name;
  return {machine.name,
          std::string(to_string(machine.power)),
          number_or_unknown(machine.cpus),
          size_or_unknown(machine.memory_bytes),
          known ? fmt::format("{}", machine.disks.size()) : "?",
          known ? format_size(size) : "?",
          std::string(to_string(machine.firmware.kind)),
          guest,
          machine_note(machine)};
}

std::string render_machines(const Inventory& inventory, const Style& style) {
  using enum Align;
  Table table({"machine", "power", "cpus", "memory", "disks", "size", "firmware", "guest", ""},
              {left, left, right, right, right, right, left, left, left});
  for (const auto& machine : inventory.machines) table.add(machine_row(machine));
  return table.empty() ? "  no machines\n" : table.text(style, "  ");
}

std::string place_words(const Place& place) {
  std::vector<std::string> words;
  for (const std::string* one : {&place.country, &place.region, &place.site}) {
    if (!one->empty()) words.push_back(*one);
  }
  return fmt::format("{}", fmt::join(words, " "));
}

std::string render_hosts(const Inventory& inventory, const Style& style) {
  using enum Align;
  const auto& hosts = inventory.hosts;
  const bool told = std::any_of(hosts.begin(), hosts.end(), [](const Host& host) {
    return host.busy_percent || !host.cpu_model.empty();
  });
  std::vector<std::string> header{"host", "cpus", "memory", "free", "place"};
  std::vector<Align> aligned{left, right, right, right, left};
  if (told) {
    header.insert(header.end(), {"busy", "processor"});
    aligned.insert(aligned.end(), {right, left});
  }
  Table table(header, aligned);
  for (const Host& host : hosts) {
    std::vector<Cell> row{host.name, number_or_unknown(host.cpus),
                          size_or_unknown(host.memory_bytes),
                          size_or_unknown(host.memory_free_bytes), place_words(host.place)};
    if (told) {
      row.emplace_back(host.busy_percent ? fmt::format("{} %", *host.busy_percent) : "?");
      row.emplace_back(host.cpu_model);
    }
    table.add(std::move(row));
  }
  return table.empty() ? "" : "\n" + table.text(style, "  ");
}

std::string render_storages(const Inventory& inventory, const Style& style) {
  using enum Align;
  const auto& storages = inventory.storages;
  const bool any_promised = std::any_of(storages.begin(), storages.end(), [](const Storage& one) {
    return one.promised_bytes.has_value();
  });
  std::vector<std::string> header{"storage", "kind", "size", "free"};
  std::vector<Align> aligned{left, left, right, right};
  if (any_promised) {
    header.emplace_back("promised");
    aligned.push_back(right);
  }
  Table table(std::move(header), std::move(aligned));
  for (const auto& storage : storages) {
    std::vector<Cell> row{storage.name,
                          storage.kind + (storage.shared.value_or(false) ? ", shared" : ""),
                          size_or_unknown(storage.size_bytes), size_or_unknown(storage.free_bytes)};
    if (any_promised) row.emplace_back(size_or_unknown(storage.promised_bytes));
    table.add(std::move(row));
  }
  return table.empty() ? "" : "\n" + table.text(style, "  ");
}

std::string render_networks(const Inventory& inventory, const Style& style) {
  Table table({"network", "kind", "vlan", "state"});
  for (const auto& network : inventory.networks) {
    const std::string state = !network.active ? "" : *network.active ? "active" : "not active";
    table.add(
        {network.name, network.kind, network.vlan ? fmt::format("{}", *network.vlan) : "", state});
  }
  return table.empty() ? "" : "\n" + table.text(style, "  ");
}

std::string render_volumes(const Inventory& inventory, const Style& style) {
  using enum Align;
  Table table({"volume of no machine", "kind", "format", "storage", "size", ""},
              {left, left, left, left, right, left});
  for (const auto& volume : inventory.volumes) {
    std::string note = volume.migration_id.empty() ? "" : "made by " + volume.migration_id;
    if (!volume.left_out.empty()) note = volume.left_out;
    table.add({volume.name, volume.kind, volume.format, storage_name(inventory, volume.storage),
               format_size(volume.size_bytes), note});
  }
  return table.empty() ? "" : "\n" + table.text(style, "  ");
}

std::string rule_text(const AffinityRule& rule) {
  const std::string_view must = rule.must ? ", always" : "";
  switch (rule.kind) {
    case AffinityKind::together:
      return fmt::format("on one host{}", must);
    case AffinityKind::apart:
      return fmt::format("on different hosts{}", must);
    case AffinityKind::on_hosts:
      return fmt::format("on {}{}", count(rule.hosts.size(), "host"), must);
    case AffinityKind::off_hosts:
      return fmt::format("not on {}{}", count(rule.hosts.size(), "host"), must);
    case AffinityKind::unknown:
      break;
  }
  return "?";
}

std::string render_rules(const Inventory& inventory, const Style& style) {
  Table table({"rule", "cluster", "says", "of"});
  for (const auto& rule : inventory.rules) {
    std::vector<std::string> names;
    for (const auto& machine : inventory.machines) {
      const auto& ids = rule.machines;
      if (std::find(ids.begin(), ids.end(), machine.id) == ids.end()) continue;
      names.push_back(machine.name);
    }
    table.add(
        {rule.name, rule.cluster, rule_text(rule), fmt::format("{}", fmt::join(names, ", "))});
  }
  return table.empty() ? "" : "\n" + table.text(style, "  ");
}

}  // namespace

std::string render_inventory(const Inventory& inventory, const Style& style) {
  std::string out = fmt::format("{}   {}\n", style.bold(short_name(inventory.endpoint)),
                                one_line(inventory.platform));
  for (const auto& note : inventory.notes) {
    for (const auto& line : wrap(one_line(note), widest_line - 2)) {
      out += fmt::format("  {}\n", line);
    }
  }
  out += '\n' + render_machines(inventory, style) + render_hosts(inventory, style) +
         render_storages(inventory, style) + render_networks(inventory, style) +
         render_volumes(inventory, style) + render_rules(inventory, style);
  return out + '\n';
}

std::string render_drivers(std::span<const DriverEntry> all, const Style& style) {
  std::string out;
  for (const auto& driver : all) {
    if (!out.empty()) out += '\n';
    out += fmt::format("{}   {}\n", style.bold(driver.name), driver.help);
    Table table({"key", "", "what it is"});
    for (const auto& key : driver.keys) {
      const std::string kind =
          fmt::format("{}{}", key.required ? "required" : "",
                      key.secret ? (key.required ? ", secret" : "secret") : "");
      table.add({std::string(key.name), kind, std::string(key.help)});
    }
    if (!table.empty()) out += table.text(style, "  ");
  }
  return out + "\nEvery endpoint also takes `ground` and `limits`; docs/cli.md shows them.\n";
}

}  // namespace flyt::cli
