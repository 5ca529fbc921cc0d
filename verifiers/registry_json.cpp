#include <fmt/format.h>

#include <exception>
#include <nlohmann/json.hpp>
#include <string>

#include "verifiers/registry.hpp"

namespace flyt {

// Generated from verifiers/registry/providers.json when the build is configured.
extern const unsigned char registry_bytes[];
extern const std::size_t registry_size;

using Json = nlohmann::json;

class RegistryReader {
 public:
  static ProviderRegistry read(const Json& document) {
    ProviderRegistry all;
    all.generated_ = document.at("generated").get<std::string>();
    all.eu_ = document.at("eu27").get<std::vector<std::string>>();
    all.eea_non_eu_ = document.at("eea_non_eu").get<std::vector<std::string>>();
    for (const auto& [id, source] : document.at("sources").items()) {
      all.sources_.push_back(read_source(id, source));
    }
    for (const Json& provider : document.at("providers")) {
      all.providers_.push_back(read_provider(provider));
    }
    return all;
  }

 private:
  static Confidence confidence(const std::string& word) {
    for (const Confidence one : {Confidence::verified, Confidence::partial, Confidence::secondary,
                                 Confidence::unverified}) {
      if (word == to_string(one)) return one;
    }
    throw std::invalid_argument(fmt::format("no such confidence: {}", word));
  }

  static Provenance from(const Json& fact) {
    return {fact.at("as_of").get<std::string>(), confidence(fact.at("conf").get<std::string>()),
            fact.at("src").get<std::vector<std::string>>()};
  }

  static RegistrySource read_source(const std::string& id, const Json& source) {
    return {id,
            source.at("t").get<std::string>(),
            source.value("u", ""),
            source.at("d").get<std::string>(),
            source.value("undated", false),
            source.value("no_address", false),
            source.at("k").get<std::string>() == "memory"};
  }

  static RegistryRegion read_region(const Json& region) {
    return {region.at("id").get<std::string>(),
            region.value("aliases", std::vector<std::string>()),
            region.value("site", ""),
            region.value("city", ""),
            region.at("country").get<std::string>(),
            region.value("parent_region", ""),
            from(region)};
  }

  static RegistryProvider read_provider(const Json& json) {
    RegistryProvider provider;
    provider.id = json.at("id").get<std::string>();
    provider.name = json.at("name").get<std::string>();
    const Json& entity = json.at("legal_entity");
    provider.entity = entity.at("v").get<std::string>();
    provider.entity_from = from(entity);
    const Json& owner = json.at("ultimate_owner");
    provider.owner = owner.at("v").get<std::string>();
    provider.owner_from = from(owner);
    const Json& control = json.at("control_jurisdictions");
    provider.control = control.at("v").get<std::vector<std::string>>();
    provider.control_from = from(control);
    for (const Json& region : json.at("regions")) provider.regions.push_back(read_region(region));
    if (const auto found = json.find("third_country_establishments"); found != json.end()) {
      for (const Json& one : *found) {
        provider.footholds.push_back({one.at("v").get<std::string>(),
                                      one.at("countries").get<std::vector<std::string>>(),
                                      from(one)});
      }
    }
    return provider;
  }
};

Result<ProviderRegistry> ProviderRegistry::parse(std::string_view json) {
  try {
    return RegistryReader::read(Json::parse(json));
  } catch (const std::exception& error) {
    return Error{.code = Errc::invalid,
                 .what = "the provider registry cannot be read",
                 .seen = error.what()};
  }
}

std::string_view ProviderRegistry::built_in_text() {
  return {reinterpret_cast<const char*>(registry_bytes), registry_size};
}

const ProviderRegistry& ProviderRegistry::built_in() {
  static const ProviderRegistry registry =
      ProviderRegistry::parse(built_in_text()).value_or(ProviderRegistry());
  return registry;
}

}  // namespace flyt
