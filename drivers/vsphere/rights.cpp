#include "drivers/vsphere/rights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/shell_word.hpp"
#include "drivers/shared/xml.hpp"
#include "drivers/vsphere/privileges.hpp"
#include "drivers/vsphere/properties.hpp"

namespace flyt::vsphere {
namespace {

constexpr std::size_t asked_at_once = 100;
constexpr std::size_t names_shown = 3;
constexpr std::string_view asking = "asking for the user's privileges";

struct Asked {
  Ref ref;
  std::string name;
  bool ranges = false, lease = false;  // how disks of it, or on it, are read
};
using Objects = std::map<On, std::vector<Asked>>;
using Missing = std::map<std::string_view, std::set<Ref>>;  // by privilege

Objects objects_of(const Inventory& inventory, const Ref& root) {
  Objects all;
  Asked& top = all[On::root].emplace_back(Asked{root, "the root folder"});
  std::map<std::string, Asked> stores;
  for (const Storage& one : inventory.storages) {
    stores[one.id] = {{"Datastore", one.id}, one.name};
  }
  for (const Machine& machine : inventory.machines) {
    if (!machine.unreadable.empty()) continue;
    Asked one{{"VirtualMachine", machine.id}, machine.name};
    for (const Disk& disk : machine.disks) {
      if (!disk.left_out.empty()) continue;
      (disk.stream_only ? one.lease : one.ranges) = true;
      if (!disk.stream_only) stores[disk.storage].ranges = true;
    }
    top.ranges = top.ranges || one.ranges;
    top.lease = top.lease || one.lease;
    all[On::machine].push_back(std::move(one));
  }
  for (auto& [id, store] : stores) {
    if (!store.ref.empty()) all[On::datastore].push_back(std::move(store));
  }
  return all;
}

bool is_asked_on(Purpose purpose, const Asked& object) {
  if (purpose == Purpose::ranges) return object.ranges;
  return purpose == Purpose::lease ? object.lease : true;
}

Result<std::string> session_key(Session& session, const Service& service, const Call& call) {
  std::string key;
  FLYT_TRY(each_of(
      session, {service.session_manager}, {"SessionManager", {"currentSession"}},
      [&key](const Object& object) -> Status {
        key = xml_child_text(object.at("currentSession"), "key");
        return ok();
      },
      call));
  return key;
}

// What is not said to be granted is missing.
void take_granted(const Reply& reply, Missing& missing) {
  for (const pugi::xml_node entity : xml_children(reply.content, "returnval")) {
    const Ref ref = ref_child(entity, "entity");
    for (const pugi::xml_node one : xml_children(entity, "privAvailability")) {
      if (!flag_child(one, "isGranted").value_or(false)) continue;
      const auto known = missing.find(xml_child_text(one, "privId"));
      if (known != missing.end()) known->second.erase(ref);
    }
  }
}

Status ask(Session& session, const std::string& key, const std::vector<Asked>& objects, On on,
           Missing& missing, const Call& call) {
  FLYT_ASSIGN(const Service service, session.service(call));
  for (std::size_t from = 0; from < objects.size(); from += asked_at_once) {
    const std::size_t to = std::min(objects.size(), from + asked_at_once);
    Body body;
    for (std::size_t i = from; i < to; ++i) body.ref("entity", objects[i].ref);
    body.text("sessionId", key);
    for (const Privilege& one : privileges()) {
      if (one.on != on) continue;
      body.text("privId", one.id);
      for (std::size_t i = from; i < to; ++i) missing[one.id].insert(objects[i].ref);
    }
    FLYT_ASSIGN(const Reply reply,
                session.call("HasPrivilegeOnEntities", service.authorization, body, asking, call));
    take_granted(reply, missing);
  }
  return ok();
}

Result<Missing> ask_all(Session& session, const Objects& objects, const Call& call) {
  FLYT_ASSIGN(const Service service, session.service(call));
  if (service.authorization.empty()) {
    return Error{Errc::unsupported, std::string(asking), "the server has no AuthorizationManager"};
  }
  FLYT_ASSIGN(const std::string key, session_key(session, service, call));
  Missing missing;
  for (const auto& [on, some] : objects) FLYT_TRY(ask(session, key, some, on, missing, call));
  return missing;
}

std::string places(const std::vector<const Asked*>& lacking, std::size_t of, On on) {
  if (on == On::root) return "the root folder";
  std::vector<std::string> names;
  for (const Asked* one : lacking) {
    if (names.size() < names_shown) names.push_back(one->name);
  }
  const std::size_t more = lacking.size() - names.size();
  return fmt::format("{} of {} {} ({}{})", lacking.size(), of,
                     on == On::machine ? "machines" : "datastores", fmt::join(names, ", "),
                     more == 0 ? "" : fmt::format(" and {} more", more));
}

std::string role_command() {
  std::string command = "govc role.create flyt";
  for (const Privilege& one : privileges()) command += fmt::format(" {}", one.id);
  return command;
}

class Judge {
 public:
  Judge(const Objects& objects, const Missing& missing, std::string user)
      : objects_(objects), missing_(missing), user_(std::move(user)) {}

  std::vector<Finding> findings() {
    for (const PurposeInfo& purpose : purposes()) look_at(purpose);
    if (!found_.empty()) {
      found_.front().remedy = {
          "a role with all that flyt ever needs, as docs/drivers/vsphere.md explains it:",
          role_command(),
          fmt::format("govc permissions.set -principal {} -role flyt -propagate=true /",
                      shell_word(user_))};
    }
    return std::move(found_);
  }

 private:
  void look_at(const PurposeInfo& purpose) {
    std::vector<std::string> lacks, ids;
    bool everywhere = false;
    for (const Privilege& one : privileges()) {
      if (one.purpose != purpose.purpose) continue;
      const std::string where = lacking(one, everywhere);
      if (where.empty()) continue;
      ids.emplace_back(one.id);
      lacks.push_back(fmt::format("{} on {}", one.id, where));
    }
    if (lacks.empty()) return;
    Finding finding;
    finding.text = fmt::format("{} may not {}: it lacks {}; {}", user_, purpose.does,
                               fmt::join(lacks, "; "), purpose.without);
    // What some objects lack may be meant so: flyt's user need not reach all machines that it sees.
    finding.must = purpose.must && everywhere;
    finding.remedy = {fmt::format("govc role.update -a flyt {}", fmt::join(ids, " ")),
                      "or, where it is meant so, leave it"};
    if (finding.must) finding.remedy.pop_back();
    found_.push_back(std::move(finding));
  }

  // "2 of 3 machines (web01, db01)"; empty: nowhere. `everywhere` becomes true where all lack it.
  std::string lacking(const Privilege& privilege, bool& everywhere) const {
    const auto known = missing_.find(privilege.id);
    const auto objects = objects_.find(privilege.on);
    if (known == missing_.end() || objects == objects_.end()) return {};
    std::vector<const Asked*> lacking;
    std::size_t of = 0;
    for (const Asked& one : objects->second) {
      if (!is_asked_on(privilege.purpose, one)) continue;
      ++of;
      if (known->second.contains(one.ref)) lacking.push_back(&one);
    }
    everywhere = everywhere || (of != 0 && lacking.size() == of);
    return lacking.empty() ? std::string() : places(lacking, of, privilege.on);
  }

  const Objects& objects_;
  const Missing& missing_;
  const std::string user_;
  std::vector<Finding> found_;
};

}  // namespace

Result<std::vector<Finding>> missing_rights(Session& session, const Inventory& inventory,
                                            const Call& call) {
  FLYT_ASSIGN(const Service service, session.service(call));
  const Objects objects = objects_of(inventory, service.root_folder);
  const auto missing = ask_all(session, objects, call);
  if (missing) return Judge(objects, *missing, session.config().user).findings();
  FLYT_TRY(proceed(call, asking));
  const Error& error = missing.error();
  return std::vector<Finding>{{fmt::format("it is not known which privileges {} has: {}: {}",
                                           session.config().user, error.what, error.seen),
                               {"compare its role with the list in docs/drivers/vsphere.md"},
                               false}};
}

}  // namespace flyt::vsphere
