// What the REST interface of a vCenter may say of tags.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "drivers/shared/utf8.hpp"
#include "drivers/vsphere/tags_json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flyt::vsphere;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto token = parse_rest_token(text, "fuzz"); token && token->empty()) __builtin_trap();
  if (const auto tag = parse_rest_tag(text, "fuzz")) {
    if (tag->name.empty() || !flyt::is_clean_utf8(tag->name)) __builtin_trap();
  }
  if (const auto name = parse_rest_category(text, "fuzz")) {
    if (name->empty() || !flyt::is_clean_utf8(*name)) __builtin_trap();
  }
  (void)parse_attached_tags(text, "fuzz");
  if (!flyt::is_clean_utf8(rest_message(text))) __builtin_trap();
  return 0;
}
