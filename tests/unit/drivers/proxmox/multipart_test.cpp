#include "drivers/proxmox/multipart.hpp"

#include <array>
#include <fstream>

#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::proxmox {
namespace {

std::string read_all(MultipartBody& body, std::size_t at_once) {
  std::string all;
  std::vector<std::byte> piece(at_once);
  for (;;) {
    const auto got = body.read(piece, {});
    REQUIRE(got);
    if (*got == 0) return all;
    all.append(reinterpret_cast<const char*>(piece.data()), *got);
  }
}

FileToSend sending(const tests::TempDir& folder, const std::string& content) {
  const auto path = folder.path() / "0.qcow2";
  std::ofstream(path, std::ios::binary) << content;
  return {.name = "flyt-x-0.qcow2", .path = path, .bytes = content.size(), .sha256 = "ab12"};
}

TEST_CASE("an upload has its parts in the order that the server reads") {
  const tests::TempDir folder;
  FileToSend file = sending(folder, std::string("QFI\xfb", 4) + std::string(1000, '\0'));
  std::uint64_t sent = 0;
  file.sent = [&sent](std::uint64_t count) { sent += count; };
  auto body = MultipartBody::open(file);
  REQUIRE(body);
  const std::string type = body->type();
  REQUIRE(type.starts_with("multipart/form-data; boundary=flyt-"));
  const std::string mark = "--" + type.substr(type.find('=') + 1);
  const auto field = [&mark](const std::string& name, const std::string& value) {
    return mark + "\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value +
           "\r\n";
  };
  const std::string wanted =
      field("content", "import") + field("checksum-algorithm", "sha256") +
      field("checksum", "ab12") + mark +
      "\r\nContent-Disposition: form-data; name=\"filename\"; filename=\"flyt-x-0.qcow2\"\r\n"
      "Content-Type: application/octet-stream\r\n\r\n" +
      std::string("QFI\xfb", 4) + std::string(1000, '\0') + "\r\n" + mark + "--\r\n";
  for (const std::size_t at_once : {std::size_t{1}, std::size_t{7}, std::size_t{65536}}) {
    REQUIRE(body->rewind());
    CHECK((read_all(*body, at_once) == wanted));
  }
  CHECK(body->size() == wanted.size());
  CHECK(sent == 3 * file.bytes);
}

TEST_CASE("a file that has changed is not sent") {
  const tests::TempDir folder;
  FileToSend file = sending(folder, "0123456789");
  file.bytes = 11;
  CHECK_FALSE(MultipartBody::open(file));
  file.bytes = 10;
  auto body = MultipartBody::open(file);
  REQUIRE(body);
  std::filesystem::resize_file(file.path, 5);
  std::vector<std::byte> piece(4096);
  Result<std::size_t> got = std::size_t{1};
  while (got && *got != 0) got = body->read(piece, {});
  REQUIRE_FALSE(got);
  CHECK(got.error().code == Errc::unavailable);
}

TEST_CASE("a stop ends the wait for the rate") {
  const tests::TempDir folder;
  FileToSend file = sending(folder, std::string(4096, 'x'));
  file.rate = std::make_shared<RateLimit>(1, 1);
  auto body = MultipartBody::open(file);
  REQUIRE(body);
  std::stop_source stop;
  std::vector<std::byte> piece(8192);
  REQUIRE(body->read(piece, {stop.get_token()}));  // what stands before the file
  stop.request_stop();
  const auto stopped = body->read(piece, {stop.get_token()});
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == Errc::cancelled);
}

}  // namespace
}  // namespace flyt::proxmox
