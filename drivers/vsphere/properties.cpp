#include "drivers/vsphere/properties.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <future>

#include "drivers/shared/xml.hpp"
#include "drivers/vsphere/faults.hpp"

namespace flyt::vsphere {
namespace {

constexpr int page_objects = 100;
// How long the server holds a wait. Less than what proxies and firewalls let a silent connection
// live, and than the stall time of our own client.
constexpr int wait_seconds = 25;
// New sessions, one after the other, that end before they tell anything.
constexpr int most_at_once = 3;

// An object on the server that goes with this one, or with the session that has it: a view, a
// filter.
class Temporary {
 public:
  Temporary(Session& session, const Reply& made, std::string_view destroy)
      : session_(session), cookie_(made.session), ref_(ref_of(made.value())), destroy_(destroy) {}
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  // A call that was stopped is no reason to leave it.
  ~Temporary() { (void)call(destroy_, ref_, {}, "", Call{}.within(std::chrono::seconds(10))); }

  const Ref& ref() const { return ref_; }
  // Something that needs this object. Nothing: it has gone with its session.
  Result<std::optional<Reply>> call(std::string_view method, const Ref& self, const Body& body,
                                    std::string_view what, const Call& call) {
    return session_.call_in(cookie_, method, self, body, what, call);
  }

 private:
  Session& session_;
  const Secret cookie_;
  Ref ref_;
  std::string_view destroy_;
};

Error session_ended(std::string_view what) {
  return {Errc::unavailable, std::string(what), "NotAuthenticated",
          "the session ended in the midst of it: vCenter was restarted, or somebody ended it"};
}

void add(Body& body, const PropertySpec& spec) {
  body.open("propSet").text("type", spec.type);
  if (spec.paths.empty()) body.flag("all", false);
  for (const std::string& path : spec.paths) body.text("pathSet", path);
  body.close();
}

void add_options(Body& body) { body.open("options").number("maxObjects", page_objects).close(); }

Status look_at(const Reply& page, const EachObject& each) {
  for (const pugi::xml_node node : xml_children(page.value(), "objects")) {
    FLYT_TRY(each(Object(node)));
  }
  return ok();
}

constexpr std::string_view reading = "reading the inventory";

// The server keeps the rest of an answer until it is told.
void forget_rest(Session& session, const Ref& collector, const Reply& page) {
  const std::string token = xml_child_text(page.value(), "token");
  if (token.empty()) return;
  (void)session.call_in(page.session, "CancelRetrievePropertiesEx", collector,
                        Body().text("token", token), reading,
                        Call{}.within(std::chrono::seconds(10)));
}

// Walks through all pages of one RetrievePropertiesEx, of which `page` is the first.
Status each_page(Session& session, Reply page, const EachObject& each, const Call& call) {
  FLYT_ASSIGN(const Service service, session.service(call));
  const Ref& collector = service.property_collector;
  for (;;) {
    const std::string token = xml_child_text(page.value(), "token");
    if (token.empty()) return look_at(page, each);
    auto reads = std::async(std::launch::async, [&] {
      return session.call_in(page.session, "ContinueRetrievePropertiesEx", collector,
                             Body().text("token", token), reading, call);
    });
    Status looked = look_at(page, each);
    auto read = reads.get();
    if (!looked) {
      if (read && *read) forget_rest(session, collector, **read);
      return looked;
    }
    FLYT_ASSIGN(auto next, std::move(read));
    if (!next) return session_ended(reading);
    page = *std::move(next);
  }
}

// The last change of each property wins; what was removed is forgotten.
class Latest {
 public:
  explicit Latest(const Ref& object) {
    content_ = document_.append_child("ObjectContent");
    pugi::xml_node obj = content_.append_child("obj");
    obj.append_attribute("type") = object.type.c_str();
    obj.text() = object.value.c_str();
  }

  // False: the object is gone.
  bool take(pugi::xml_node update) {
    for (const pugi::xml_node filter : xml_children(update, "filterSet")) {
      for (const pugi::xml_node object : xml_children(filter, "objectSet")) {
        if (ref_child(object, "obj").value != xml_child_text(content_, "obj")) continue;
        if (xml_child_text(object, "kind") == "leave") return false;
        for (const pugi::xml_node change : xml_children(object, "changeSet")) take_change(change);
      }
    }
    return true;
  }
  Object object() const { return Object(content_); }

 private:
  void take_change(pugi::xml_node change) {
    const std::string path = xml_child_text(change, "name");
    for (const pugi::xml_node old : xml_children(content_, "propSet")) {
      if (xml_child_text(old, "name") == path) content_.remove_child(old);
    }
    const pugi::xml_node value = xml_child(change, "val");
    if (!value) return;
    pugi::xml_node set = content_.append_child("propSet");
    set.append_child("name").text() = path.c_str();
    set.append_copy(value);
  }

  pugi::xml_document document_;
  pugi::xml_node content_;
};

enum class Waited : std::uint8_t { enough, session_ended, ended_at_once };

Result<Waited> wait_in(Temporary& collector, const Ref& object,
                       const std::function<Result<bool>(const Object& now)>& done,
                       std::string_view what, const Call& call) {
  Latest latest(object);
  std::string version;
  for (;;) {
    Body body;
    body.text("version", version).open("options").number("maxWaitSeconds", wait_seconds).close();
    auto waited = collector.call("WaitForUpdatesEx", collector.ref(), body, what, call);
    // A collector that is gone has gone with its session.
    if (!waited && waited.error().code == Errc::not_found) {
      Error error = session_ended(what);
      error.seen = waited.error().seen;
      return error;
    }
    FLYT_ASSIGN(const auto update, std::move(waited));
    if (!update) return version.empty() ? Waited::ended_at_once : Waited::session_ended;
    const pugi::xml_node set = update->value();
    if (!set) continue;  // nothing has changed in all that time
    version = xml_child_text(set, "version");
    if (!latest.take(set)) {
      return Error{Errc::not_found, fmt::format("{}: {} is gone", what, object.value)};
    }
    if (flag_child(set, "truncated").value_or(false)) continue;
    FLYT_ASSIGN(const bool enough, done(latest.object()));
    if (enough) return Waited::enough;
  }
}

Body filter_of(const Ref& object, const std::vector<std::string>& paths) {
  Body body;
  body.open("spec");
  add(body, {object.type, paths});
  body.open("objectSet").ref("obj", object).flag("skip", false).close();
  body.close().flag("partialUpdates", false);
  return body;
}

}  // namespace

Object::Object(pugi::xml_node node) : node_(node) {
  for (const pugi::xml_node set : xml_children(node, "propSet")) {
    values_.emplace_back(xml_child_text(set, "name"), xml_child(set, "val"));
  }
}

Ref Object::ref() const { return ref_child(node_, "obj"); }

pugi::xml_node Object::at(std::string_view path) const {
  const auto found = std::find_if(values_.begin(), values_.end(),
                                  [path](const auto& one) { return one.first == path; });
  return found == values_.end() ? pugi::xml_node() : found->second;
}

std::string Object::text(std::string_view path) const { return xml_text(at(path)); }

Ref Object::ref_at(std::string_view path) const { return ref_of(at(path)); }

std::vector<std::pair<std::string, std::string>> Object::missing() const {
  std::vector<std::pair<std::string, std::string>> all;
  for (const pugi::xml_node set : xml_children(node_, "missingSet")) {
    const Fault fault = fault_in(xml_child(set, "fault"));
    all.emplace_back(xml_child_text(set, "path"),
                     fault.message.empty() ? fault.type : fault.message);
  }
  return all;
}

Status each_object(Session& session, const std::vector<PropertySpec>& specs, const EachObject& each,
                   const Call& call) {
  FLYT_ASSIGN(const Service service, session.service(call));
  Body wanted;
  wanted.ref("container", service.root_folder);
  for (const PropertySpec& spec : specs) wanted.text("type", spec.type);
  wanted.flag("recursive", true);
  FLYT_ASSIGN(const Reply made,
              session.call("CreateContainerView", service.view_manager, wanted, reading, call));
  Temporary view(session, made, "DestroyView");
  Body body;
  body.open("specSet");
  for (const PropertySpec& spec : specs) add(body, spec);
  body.open("objectSet").ref("obj", view.ref()).flag("skip", true);
  body.open("selectSet", "TraversalSpec")
      .text("name", "all")
      .text("type", "ContainerView")
      .text("path", "view")
      .flag("skip", false)
      .close();
  body.close().close();
  add_options(body);
  FLYT_ASSIGN(auto first,
              view.call("RetrievePropertiesEx", service.property_collector, body, reading, call));
  if (!first) return session_ended(reading);
  return each_page(session, *std::move(first), each, call);
}

Status each_of(Session& session, const std::vector<Ref>& objects, const PropertySpec& spec,
               const EachObject& each, const Call& call) {
  if (objects.empty()) return ok();
  Body body;
  body.open("specSet");
  add(body, spec);
  for (const Ref& object : objects) {
    body.open("objectSet").ref("obj", object).flag("skip", false).close();
  }
  body.close();
  add_options(body);
  FLYT_ASSIGN(const Service service, session.service(call));
  FLYT_ASSIGN(Reply first, session.call("RetrievePropertiesEx", service.property_collector, body,
                                        reading, call));
  return each_page(session, std::move(first), each, call);
}

Status wait_until(Session& session, const Ref& object, const std::vector<std::string>& paths,
                  const std::function<Result<bool>(const Object& now)>& done, std::string_view what,
                  const Call& call) {
  FLYT_ASSIGN(const Service service, session.service(call));
  for (int at_once = 0;;) {  // once in each session: the collector goes with it
    // Of its own: one that is shared hands each change to whichever thread happens to wait.
    FLYT_ASSIGN(const Reply made, session.call("CreatePropertyCollector",
                                               service.property_collector, {}, what, call));
    Temporary collector(session, made, "DestroyPropertyCollector");
    FLYT_ASSIGN(const auto filter, collector.call("CreateFilter", collector.ref(),
                                                  filter_of(object, paths), what, call));
    Waited waited = Waited::ended_at_once;
    if (filter) {
      FLYT_ASSIGN(waited, wait_in(collector, object, done, what, call));
    }
    if (waited == Waited::enough) return ok();
    at_once = waited == Waited::ended_at_once ? at_once + 1 : 0;
    if (at_once == most_at_once) return session_ended(what);
  }
}

Result<Ref> wait_for_task(Session& session, const Ref& task, std::string_view what,
                          const Call& call) {
  Ref result;
  const auto ended = [&](const Object& now) -> Result<bool> {
    const std::string state = now.text("info.state");
    if (state == "error") return error_of(fault_in(now.at("info.error")), what);
    if (state != "success") return false;
    result = now.ref_at("info.result");
    return true;
  };
  FLYT_TRY(
      wait_until(session, task, {"info.state", "info.error", "info.result"}, ended, what, call));
  return result;
}

}  // namespace flyt::vsphere
