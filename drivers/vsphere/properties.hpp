// Reading properties of many objects at once, page by page, and waiting for one to change.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drivers/vsphere/session.hpp"

namespace flyt::vsphere {

// Which properties of which kind of object. No paths: its identity alone.
struct PropertySpec {
  std::string type;  // "VirtualMachine"
  std::vector<std::string> paths;
};

// One object, valid while a page is looked at.
class Object {
 public:
  explicit Object(pugi::xml_node node);
  Ref ref() const;
  // The value of a property, null: it has none, or may not be seen.
  pugi::xml_node at(std::string_view path) const;
  std::string text(std::string_view path) const;
  Ref ref_at(std::string_view path) const;
  // Properties that the server refused to tell: {path, fault}.
  std::vector<std::pair<std::string, std::string>> missing() const;

 private:
  pugi::xml_node node_;  // ObjectContent
  // Dozens of properties are asked for one by one: each is looked for once.
  std::vector<std::pair<std::string, pugi::xml_node>> values_;
};

using EachObject = std::function<Status(const Object& object)>;

// Everything of these kinds below the root folder, in whatever order: one container view, which is
// removed again, and two pages of at most 100 objects in memory at a time: the next one is read,
// in a thread of its own, while `each` looks at this one.
Status each_object(Session& session, const std::vector<PropertySpec>& specs, const EachObject& each,
                   const Call& call);

// These objects, which are of spec.type.
Status each_of(Session& session, const std::vector<Ref>& objects, const PropertySpec& spec,
               const EachObject& each, const Call& call);

// Waits for changes of `paths` of `object` until `done` says true of their values, which it is
// given after each change, the first time at once. The server holds the connection meanwhile;
// nothing is polled. Any number of threads may wait at once.
Status wait_until(Session& session, const Ref& object, const std::vector<std::string>& paths,
                  const std::function<Result<bool>(const Object& now)>& done, std::string_view what,
                  const Call& call);

// Waits for a task's end; what it made, empty for nothing. `what` begins the error that the task
// ended with. Stopped or timed out: the task goes on.
Result<Ref> wait_for_task(Session& session, const Ref& task, std::string_view what,
                          const Call& call);

}  // namespace flyt::vsphere
