#include "tests/bench/plain_client.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>

#include "drivers/vsphere/soap.hpp"

namespace flyt::bench {

namespace {

constexpr long buffer_bytes = 256L << 10;

struct EndHandle {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct EndHeaders {
  void operator()(curl_slist* headers) const { curl_slist_free_all(headers); }
};

std::size_t keep(char* data, std::size_t, std::size_t size, void* text) {
  static_cast<std::string*>(text)->append(data, size);
  return size;
}

std::size_t count(char*, std::size_t, std::size_t size, void* sum) {
  *static_cast<std::uint64_t*>(sum) += size;
  return size;
}

// One connection, kept open.
class Connection {
 public:
  explicit Connection(const PlainServer& server)
      : handle_(curl_easy_init()), certificate_(server.certificate.string()) {
    if (!handle_) throw std::runtime_error("libcurl cannot be started");
    set(CURLOPT_CAINFO, certificate_.c_str());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_BUFFERSIZE, buffer_bytes);
    set(CURLOPT_COOKIEFILE, "");  // keeps cookies
  }

  template <typename T>
  void set(CURLoption option, T value) {
    if (curl_easy_setopt(handle_.get(), option, value) != CURLE_OK) {
      throw std::runtime_error(fmt::format("libcurl refuses option {}", static_cast<int>(option)));
    }
  }

  void perform(long wanted_status) {
    const CURLcode done = curl_easy_perform(handle_.get());
    if (done != CURLE_OK) throw std::runtime_error(curl_easy_strerror(done));
    long status = 0;
    (void)curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
    if (status != wanted_status) throw std::runtime_error(fmt::format("HTTP status {}", status));
  }

 private:
  std::unique_ptr<CURL, EndHandle> handle_;
  std::string certificate_;
};

// The answer's text stays in one buffer, used again and again.
class Soap {
 public:
  explicit Soap(const PlainServer& server)
      : connection_(server), headers_(curl_slist_append(nullptr, "Content-Type: text/xml")) {
    connection_.set(CURLOPT_URL, (server.url + "/sdk").c_str());
    connection_.set(CURLOPT_HTTPHEADER, headers_.get());
    connection_.set(CURLOPT_WRITEFUNCTION, &keep);
    connection_.set(CURLOPT_WRITEDATA, static_cast<void*>(&answer_));
  }

  const std::string& ask(std::string_view method, const vsphere::Ref& self,
                         const vsphere::Body& body) {
    const std::string request = vsphere::envelope(method, self, body);
    connection_.set(CURLOPT_POSTFIELDSIZE, static_cast<long>(request.size()));
    connection_.set(CURLOPT_POSTFIELDS, request.c_str());
    answer_.clear();
    connection_.perform(200);
    return answer_;
  }

  vsphere::Reply parsed(std::string_view method, const vsphere::Ref& self,
                        const vsphere::Body& body) {
    auto answer = vsphere::parse_answer(method, ask(method, self, body), "benchmark");
    if (!answer || answer->fault) throw std::runtime_error(std::string(method) + " is refused");
    return std::move(answer->reply);
  }

 private:
  Connection connection_;
  std::unique_ptr<curl_slist, EndHeaders> headers_;
  std::string answer_;
};

vsphere::Body wanted_properties(const vsphere::Ref& view, const std::vector<std::string>& paths,
                                int page_objects) {
  vsphere::Body body;
  body.open("specSet").open("propSet").text("type", "VirtualMachine");
  for (const std::string& path : paths) body.text("pathSet", path);
  body.close().open("objectSet").ref("obj", view).flag("skip", true);
  body.open("selectSet", "TraversalSpec").text("name", "all").text("type", "ContainerView");
  body.text("path", "view").flag("skip", false).close().close().close();
  body.open("options").number("maxObjects", page_objects).close();
  return body;
}

// Empty: this was the last page.
std::string token_of(std::string_view page) {
  constexpr std::string_view opening = "<token>";
  const std::size_t at = page.find(opening);
  if (at == std::string_view::npos) return {};
  const std::size_t from = at + opening.size();
  return std::string(page.substr(from, page.find('<', from) - from));
}

}  // namespace

std::uint64_t read_properties(const PlainServer& server, const std::vector<std::string>& paths,
                              int page_objects) {
  using vsphere::Body, vsphere::Ref;
  Soap soap(server);
  const auto service =
      soap.parsed("RetrieveServiceContent", {"ServiceInstance", "ServiceInstance"}, {});
  const auto known = [&](std::string_view name) {
    return vsphere::ref_child(service.value(), name);
  };
  const Ref collector = known("propertyCollector"), sessions = known("sessionManager");
  (void)soap.ask("Login", sessions,
                 Body().text("userName", server.user).text("password", server.password));
  Body wanted;
  wanted.ref("container", known("rootFolder")).text("type", "VirtualMachine");
  wanted.flag("recursive", true);
  const auto made = soap.parsed("CreateContainerView", known("viewManager"), wanted);
  const Ref view = vsphere::ref_of(made.value());
  const std::string* page =
      &soap.ask("RetrievePropertiesEx", collector, wanted_properties(view, paths, page_objects));
  std::uint64_t bytes = page->size();
  for (std::string token; !(token = token_of(*page)).empty(); bytes += page->size()) {
    page = &soap.ask("ContinueRetrievePropertiesEx", collector, Body().text("token", token));
  }
  (void)soap.ask("DestroyView", view, {});
  (void)soap.ask("Logout", sessions, {});
  return bytes;
}

std::string session_cookie(const PlainServer& server, const std::string& url) {
  Connection connection(server);
  std::string head;
  connection.set(CURLOPT_URL, url.c_str());
  connection.set(CURLOPT_USERNAME, server.user.c_str());
  connection.set(CURLOPT_PASSWORD, server.password.c_str());
  connection.set(CURLOPT_NOBODY, 1L);
  connection.set(CURLOPT_HEADERFUNCTION, &keep);
  connection.set(CURLOPT_HEADERDATA, static_cast<void*>(&head));
  connection.perform(200);
  constexpr std::string_view name = "Set-Cookie: ";
  const std::size_t at = head.find(name);
  if (at == std::string::npos) throw std::runtime_error("there is no session cookie");
  const std::size_t from = at + name.size();
  return head.substr(from, head.find(';', from) - from);
}

void read_ranges(const PlainServer& server, const RangeRead& read) {
  std::atomic<std::uint64_t> next{0}, got{0};
  std::atomic<bool> failed{false};
  const auto work = [&] {
    Connection connection(server);
    std::uint64_t sum = 0;
    connection.set(CURLOPT_URL, read.url.c_str());
    connection.set(CURLOPT_COOKIE, read.cookie.c_str());
    connection.set(CURLOPT_WRITEFUNCTION, &count);
    connection.set(CURLOPT_WRITEDATA, static_cast<void*>(&sum));
    for (std::uint64_t at; (at = next.fetch_add(read.request_bytes)) < read.size_bytes;) {
      const std::uint64_t end = std::min(at + read.request_bytes, read.size_bytes);
      connection.set(CURLOPT_RANGE, fmt::format("{}-{}", at, end - 1).c_str());
      connection.perform(206);
    }
    got += sum;
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < read.connections; ++i) {
      threads.emplace_back([&] {
        try {
          work();
        } catch (const std::exception&) {
          failed = true;
        }
      });
    }
  }
  if (failed || got != read.size_bytes) {
    throw std::runtime_error(fmt::format("{} of {} bytes came", got.load(), read.size_bytes));
  }
}

}  // namespace flyt::bench
