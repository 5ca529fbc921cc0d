// "local:100/vm-100-disk-0.qcow2,iothread=1,size=1G": how Proxmox VE writes a device in one value.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flyt::proxmox {

// What stands between any of the separators: "images,iso".
std::vector<std::string> words_of(std::string_view text, std::string_view separators);

class PropertyString {
 public:
  PropertyString() = default;
  // An item without a name is the value of `unnamed`.
  PropertyString(std::string_view text, std::string_view unnamed);

  std::string get(std::string_view name) const;  // empty: not there
  void set(std::string_view name, std::string value);
  void erase(std::string_view name);
  const std::vector<std::pair<std::string, std::string>>& items() const { return items_; }
  std::string text() const;  // the value of `unnamed` first and without its name

 private:
  std::string unnamed_;
  std::vector<std::pair<std::string, std::string>> items_;
};

}  // namespace flyt::proxmox
