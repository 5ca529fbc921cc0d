#include "plans/schema_json.hpp"

#include <exception>
#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "plans/plan_document.hpp"

namespace flyt {
namespace {

using Adapter = valijson::adapters::NlohmannJsonAdapter;

// The innermost place: the deepest context, where valijson reports every level above it too.
std::string place_of(valijson::ValidationResults& results) {
  std::string pointer = "/", text;
  std::size_t depth = 0;
  valijson::ValidationResults::Error error;
  while (results.popError(error)) {
    if (error.context.size() < depth) continue;
    depth = error.context.size();
    text = error.description;
    std::string path;
    for (const std::string& part : error.context) {
      if (part == "<root>") continue;
      const bool wrapped = part.size() > 2 && part.front() == '[' && part.back() == ']';
      path += '/' + (wrapped ? part.substr(1, part.size() - 2) : part);
    }
    pointer = path.empty() ? "/" : path;
  }
  return pointer + ": " + text;
}

}  // namespace

Status check_schema(const nlohmann::json& plan) {
  try {
    const auto text = nlohmann::json::parse(plan_schema());
    valijson::Schema schema;
    valijson::SchemaParser parser;
    parser.populateSchema(Adapter(text), schema);
    valijson::Validator validator;
    valijson::ValidationResults results;
    if (validator.validate(schema, Adapter(plan), &results)) return ok();
    return Error{.code = Errc::invalid,
                 .what = "the plan does not fit its schema",
                 .seen = place_of(results),
                 .state = "nothing was done",
                 .remedy = {"flyt plan"}};
  } catch (const std::exception& exception) {
    return Error{Errc::internal, "the plan cannot be checked", exception.what()};
  }
}

}  // namespace flyt
