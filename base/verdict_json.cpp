#include "base/inventory_json.hpp"
#include "base/verdict_fields.hpp"

namespace flyt {

using Json = nlohmann::json;

template <>
struct Fields<Error> {
  static constexpr std::array codes = {
      Errc::invalid,     Errc::not_found, Errc::exists,    Errc::unsupported, Errc::denied,
      Errc::unavailable, Errc::timed_out, Errc::cancelled, Errc::corrupt,     Errc::internal};
  static void visit(auto& io, auto& error) {
    io.one_of("code", error.code, codes);
    io("what", error.what);
    io("seen", error.seen);
    io("why", error.why);
    io("state", error.state);
    io("remedy", error.remedy);
  }
};

Json to_json(const Verdict& verdict) { return fields_json(verdict); }
Json to_json(const Error& error) { return fields_json(error); }

Result<Verdict> verdict_from(const Json& json) {
  return fields_from<Verdict>(json, "", Words::lenient);
}

Status error_from(const Json& json, Error& to) {
  FieldReader in(json, "", Words::lenient);
  Error error;
  Fields<Error>::visit(in, error);
  FLYT_TRY(std::move(in).status());
  to = std::move(error);
  return ok();
}

}  // namespace flyt
