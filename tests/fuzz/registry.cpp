#include "verifiers/registry.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto registry = flyt::ProviderRegistry::parse(text);
  if (!registry) return 0;
  const flyt::RegistryProvider* provider = registry->provider("hetzner");
  if (provider != nullptr && provider->id.size() != 7) std::abort();
  return 0;
}
