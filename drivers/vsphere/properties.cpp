#include "drivers/vsphere/properties.hpp"

#include <fmt/format.h>

#include "drivers/shared/xml.hpp"
#include "drivers/vsphere/faults.hpp"

namespace flyt::vsphere {
namespace {

constexpr int page_objects = 100;
// How long the server holds a wait. Less than what proxies and firewalls let a silent connection
// live, and than the stall time of our own client.
constexpr int wait_seconds = 25;

// An object on the server that goes with this one: a view, a filter.
class Temporary {
 public:
  Temporary(Session& session, Ref ref, std::string_view destroy)
      : session_(session), ref_(std::move(ref)), destroy_(destroy) {}
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  // It goes with the session otherwise; a call that was stopped is no reason to leave it.
  ~Temporary() {
    (void)session_.call(destroy_, ref_, {}, "", Call{}.within(std::chrono::seconds(10)));
  }
  const Ref& ref() const { return ref_; }

 private:
  Session& session_;
  Ref ref_;
  std::string_view destroy_;
};

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

// Walks through all pages of one RetrievePropertiesEx.
Status each_page(Session& session, const Body& body, const EachObject& each, const Call& call) {
  constexpr std::string_view what = "reading the inventory";
  FLYT_ASSIGN(const Service service, session.service(call));
  FLYT_ASSIGN(Reply page,
              session.call("RetrievePropertiesEx", service.property_collector, body, what, call));
  for (;;) {
    const std::string token = xml_child_text(page.value(), "token");
    if (Status looked = look_at(page, each); !looked) {
      // The server keeps the rest of the answer until it is told.
      if (!token.empty()) {
        (void)session.call("CancelRetrievePropertiesEx", service.property_collector,
                           Body().text("token", token), what,
                           Call{}.within(std::chrono::seconds(10)));
      }
      return looked;
    }
    if (token.empty()) return ok();
    FLYT_ASSIGN(page, session.call("ContinueRetrievePropertiesEx", service.property_collector,
                                   Body().text("token", token), what, call));
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

Body filter_of(const Ref& object, const std::vector<std::string>& paths) {
  Body body;
  body.open("spec");
  add(body, {object.type, paths});
  body.open("objectSet").ref("obj", object).flag("skip", false).close();
  body.close().flag("partialUpdates", false);
  return body;
}

// A collector that is gone has gone with its session.
Error lost(Error error) {
  if (error.code != Errc::not_found) return error;
  error.code = Errc::unavailable;
  error.why = "the session with vSphere has ended meanwhile";
  return error;
}

}  // namespace

Ref Object::ref() const { return ref_child(node_, "obj"); }

pugi::xml_node Object::at(std::string_view path) const {
  for (const pugi::xml_node set : xml_children(node_, "propSet")) {
    if (xml_child_text(set, "name") == path) return xml_child(set, "val");
  }
  return {};
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
  FLYT_ASSIGN(const Reply made, session.call("CreateContainerView", service.view_manager, wanted,
                                             "reading the inventory", call));
  const Temporary view(session, ref_of(made.value()), "DestroyView");
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
  return each_page(session, body, each, call);
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
  return each_page(session, body, each, call);
}

Status wait_until(Session& session, const Ref& object, const std::vector<std::string>& paths,
                  const std::function<Result<bool>(const Object& now)>& done, std::string_view what,
                  const Call& call) {
  FLYT_ASSIGN(const Service service, session.service(call));
  // Of its own: one that is shared hands each change to whichever thread happens to wait.
  FLYT_ASSIGN(const Reply made,
              session.call("CreatePropertyCollector", service.property_collector, {}, what, call));
  const Temporary collector(session, ref_of(made.value()), "DestroyPropertyCollector");
  FLYT_TRY(session.call("CreateFilter", collector.ref(), filter_of(object, paths), what, call));
  Latest latest(object);
  std::string version;
  for (;;) {
    Body body;
    body.text("version", version).open("options").number("maxWaitSeconds", wait_seconds).close();
    auto waited = session.call("WaitForUpdatesEx", collector.ref(), body, what, call);
    if (!waited) return lost(std::move(waited).error());
    const pugi::xml_node update = waited->value();
    if (!update) continue;  // nothing has changed in all that time
    version = xml_child_text(update, "version");
    if (!latest.take(update)) {
      return Error{Errc::not_found, fmt::format("{}: {} is gone", what, object.value)};
    }
    if (flag_child(update, "truncated").value_or(false)) continue;
    FLYT_ASSIGN(const bool enough, done(latest.object()));
    if (enough) return ok();
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
