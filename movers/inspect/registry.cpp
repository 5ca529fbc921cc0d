#include "movers/inspect/registry.hpp"

#include <utility>

namespace flyt::inspection {
namespace {

constexpr std::size_t dword_size = 4;

// hivex says 0 for none.
std::string handle(std::string number) {
  if (number == "0") number.clear();
  return number;
}

}  // namespace

Hive::Hive(Guestfish& fish, const Call& call, std::string root)
    : fish_(&fish), call_(&call), root_(std::move(root)) {}

Result<Hive> Hive::open(Guestfish& fish, const std::string& path, const Call& call) {
  // Where opening fails, hivex-root must not answer for the one before.
  FLYT_TRY(fish.ask({"hivex-close"}, call));
  // "unsafe": goes on past a damaged key, as libguestfs itself does when it inspects.
  FLYT_TRY(fish.ask({"hivex-open", path, "unsafe:true"}, call));
  FLYT_ASSIGN(std::string root, fish.word({"hivex-root"}, call));
  return Hive(fish, call, handle(std::move(root)));
}

Result<std::string> Hive::node(std::string_view key) const {
  std::string node = root_;
  while (!node.empty() && !key.empty()) {
    const std::size_t end = key.find('\\');
    const std::string name(key.substr(0, end));
    key = end == std::string_view::npos ? std::string_view() : key.substr(end + 1);
    FLYT_ASSIGN(node, fish_->word({"hivex-node-get-child", node, name}, *call_));
    node = handle(std::move(node));
  }
  return node;
}

Result<std::string> Hive::value(std::string_view key, const char* name) const {
  FLYT_ASSIGN(const std::string found, node(key));
  if (found.empty()) return found;
  FLYT_ASSIGN(std::string value, fish_->word({"hivex-node-get-value", found, name}, *call_));
  return handle(std::move(value));
}

Result<bool> Hive::has_key(std::string_view key) const {
  FLYT_ASSIGN(const std::string found, node(key));
  return !found.empty();
}

Result<bool> Hive::has_value(std::string_view key, const char* name) const {
  FLYT_ASSIGN(const std::string found, value(key, name));
  return !found.empty();
}

Result<std::string> Hive::text(std::string_view key, const char* name) const {
  FLYT_ASSIGN(const std::string found, value(key, name));
  if (found.empty()) return found;
  return fish_->word({"hivex-value-string", found}, *call_);
}

Result<std::optional<std::uint32_t>> Hive::number(std::string_view key, const char* name) const {
  FLYT_ASSIGN(const std::string found, value(key, name));
  if (found.empty()) return std::optional<std::uint32_t>();
  FLYT_ASSIGN(const std::string bytes, fish_->ask({"hivex-value-value", found}, *call_));
  if (bytes.size() != dword_size) return std::optional<std::uint32_t>();
  std::uint32_t number = 0;
  for (std::size_t i = dword_size; i-- > 0;) {
    number = number << 8U | static_cast<unsigned char>(bytes[i]);
  }
  return std::optional(number);
}

}  // namespace flyt::inspection
