#include "drivers/vsphere/byte_pipe.hpp"

#include <array>
#include <cstring>
#include <thread>

#include "tests/catch.hpp"

namespace flyt::vsphere {
namespace {

std::vector<std::byte> numbered(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i != size; ++i) bytes[i] = static_cast<std::byte>(i * 7 + i / 256);
  return bytes;
}

Call stopped() {
  std::stop_source source;
  source.request_stop();
  return {source.get_token()};
}

TEST_CASE("what is put into a pipe comes out of it, in whatever pieces", "[vsphere][tsan]") {
  const std::vector<std::byte> sent = numbered(100'000);
  for (const std::size_t capacity : {1U, 7U, 1000U, 200'000U}) {
    BytePipe pipe(capacity, "web01");
    std::thread writer([&] {
      std::size_t piece = 1;
      for (std::size_t at = 0; at != sent.size(); piece = piece % 997 + 13) {
        const std::size_t count = std::min(piece, sent.size() - at);
        if (!pipe.put(std::span(sent).subspan(at, count), {})) return;
        at += count;
      }
      pipe.end();
    });
    std::vector<std::byte> got, piece(1237);
    for (;;) {
      const std::size_t count = pipe.read(piece, {}).value();
      if (count == 0) break;
      got.insert(got.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(count));
    }
    writer.join();
    CHECK(got == sent);
    CHECK(pipe.read(piece, {}).value() == 0);  // the end repeats
  }
}

TEST_CASE("a pipe holds as much as it may and no more", "[vsphere]") {
  BytePipe pipe(1000, "web01");
  const std::vector<std::byte> bytes = numbered(1001);
  std::vector<std::byte> out(2000);
  REQUIRE(pipe.put(std::span(bytes).first(1000), stopped()));  // there is room: nothing to wait for
  CHECK(pipe.put(std::span(bytes).last(1), stopped()).error().code == Errc::cancelled);
  CHECK(
      pipe.put(std::span(bytes).last(1), Call{}.within(std::chrono::nanoseconds(0))).error().code ==
      Errc::timed_out);
  CHECK(pipe.read(out, {}).value() == 1000);
  CHECK(std::memcmp(out.data(), bytes.data(), 1000) == 0);
}

TEST_CASE("the end or the error of a pipe comes after what was put", "[vsphere]") {
  const std::vector<std::byte> bytes = numbered(10);
  std::array<std::byte, 100> out{};
  SECTION("an error repeats, and an end does not cover it") {
    BytePipe pipe(100, "web01");
    REQUIRE(pipe.put(bytes, {}));
    pipe.fail({Errc::unavailable, "first"});
    pipe.fail({Errc::denied, "second"});
    pipe.end();
    CHECK(pipe.read(out, {}).value() == 10);
    CHECK(pipe.read(out, {}).error().what == "first");
    CHECK(pipe.read(out, {}).error().code == Errc::unavailable);
    CHECK(pipe.put(bytes, {}).error().what == "first");
  }
  SECTION("an error after the end says nothing of the bytes") {
    BytePipe pipe(100, "web01");
    REQUIRE(pipe.put(bytes, {}));
    pipe.end();
    pipe.fail({Errc::unavailable, "late"});
    CHECK(pipe.read(out, {}).value() == 10);
    CHECK(pipe.read(out, {}).value() == 0);
  }
}

TEST_CASE("who waits at a pipe is woken by a stop, a deadline or an error", "[vsphere][tsan]") {
  BytePipe empty(10, "web01"), full(10, "web01");
  REQUIRE(full.put(numbered(10), {}));
  std::array<std::byte, 10> out{};
  CHECK(empty.read(out, stopped()).error().code == Errc::cancelled);
  CHECK(empty.read(out, stopped()).error().what == "web01: stopped");
  CHECK(empty.read(out, Call{}.within(std::chrono::milliseconds(1))).error().code ==
        Errc::timed_out);
  std::stop_source source;
  const Call call{source.get_token()};
  Errc read = Errc::internal, put = Errc::internal, broken = Errc::internal;
  std::thread reader([&] { read = empty.read(out, call).error().code; });
  std::thread writer([&] { put = full.put(numbered(1), call).error().code; });
  source.request_stop();
  reader.join();
  writer.join();
  CHECK(read == Errc::cancelled);
  CHECK(put == Errc::cancelled);
  std::thread blocked([&] { broken = full.put(numbered(1), {}).error().code; });
  full.fail({Errc::unavailable, "the lease has ended"});
  blocked.join();
  CHECK(broken == Errc::unavailable);
}

}  // namespace
}  // namespace flyt::vsphere
