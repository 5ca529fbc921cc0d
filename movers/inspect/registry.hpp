// A hive of the registry of a Windows guest, as guestfish reads it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "movers/inspect/guestfish.hpp"

namespace flyt::inspection {

// guestfish has one hive open at a time: do not use one after the next was opened. Keys are named
// from the hive's root: R"(Microsoft\Windows NT)". Names of keys and values know no case.
class Hive {
 public:
  // Nothing is found in what is no hive, or not there.
  static Result<Hive> open(Guestfish& fish, const std::string& path, const Call& call);

  Result<bool> has_key(std::string_view key) const;
  Result<bool> has_value(std::string_view key, const char* name) const;
  // Empty: there is no such value. Its first line, as a word of guestfish.
  Result<std::string> text(std::string_view key, const char* name) const;
  // Of a value of 4 bytes, whichever type it has.
  Result<std::optional<std::uint32_t>> number(std::string_view key, const char* name) const;

 private:
  Hive(Guestfish& fish, const Call& call, std::string root);
  // As guestfish numbers them; empty: there is none.
  Result<std::string> node(std::string_view key) const;
  Result<std::string> value(std::string_view key, const char* name) const;

  Guestfish* fish_;
  const Call* call_;
  std::string root_;
};

}  // namespace flyt::inspection
