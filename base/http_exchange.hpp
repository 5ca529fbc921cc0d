// One request and its answer on one handle of libcurl. What http.hpp stands on.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/http.hpp"

namespace flyt {

struct HttpTimes {
  std::chrono::seconds connect, stall;
};

// What begins the errors of a request.
std::string title_of(const HttpRequest& request);

// Used once. The handle (a CURL*), the request and the call must outlive it.
class HttpExchange {
 public:
  HttpExchange(void* handle, const HttpRequest& request, const Call& call);
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;
  ~HttpExchange();
  Result<HttpResponse> perform(const HttpTrust& trust, const HttpTimes& times);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flyt
