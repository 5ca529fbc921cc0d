// A daemon of libvirt whose words can get lost.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/durable_file.hpp"

namespace flyt::tests {

// Stands between libvirt's client and its daemon, which is reached as if by uri().
class Relay {
 public:
  // `daemon`: a URI that names a socket. `folder`: for a socket of its own.
  Relay(const std::string& daemon, const std::filesystem::path& folder);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay();

  const std::string& uri() const { return uri_; }
  std::size_t answers() const;  // that the daemon gave until now
  // From now on the answer `number`, from 1, is not passed on: `then` is called, and the
  // connection is cut. Later ones are as any.
  void lose_answer(std::size_t number, std::function<void()> then);
  // As lose_answer(), when the request has just been passed on.
  void lose_request(std::size_t number, std::function<void()> then);
  // No answer is passed on any more; that the daemon lives, is.
  void keep_answers();

 private:
  enum class Way { request, answer };
  struct Peer {
    FileDescriptor client, daemon;
    std::string from_client, from_daemon;  // what is not yet a whole message
  };

  void serve();
  void accept();
  bool pass_on(Peer& peer, Way way);
  bool pass_message(Peer& peer, Way way, std::string_view message);
  bool is_due(Way way);

  std::filesystem::path socket_;
  std::string uri_, daemon_;
  FileDescriptor listener_, wake_;
  mutable std::mutex mutex_;
  std::size_t answers_ = 0, left_ = 0;
  Way lost_ = Way::answer;
  std::function<void()> then_;
  bool keeps_ = false;
  std::map<int, Peer> peers_;  // by the client's descriptor; of the thread
  std::thread thread_;
};

}  // namespace flyt::tests
