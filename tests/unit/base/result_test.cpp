#include "base/result.hpp"

#include "base/channel.hpp"
#include "base/machine.hpp"
#include "base/verdict.hpp"
#include "tests/catch.hpp"

namespace flyt {
namespace {

TEST_CASE("context goes in front of what failed", "[result]") {
  CHECK(Error{Errc::invalid, "too small"}.within("disk 0").within("web01").what ==
        "web01: disk 0: too small");
  CHECK(Error{Errc::invalid, "alone"}.within("").what == "alone");
  const Status failed = within("web01", Status(Error{Errc::exists, "taken"}));
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == Errc::exists);
  CHECK(failed.error().what == "web01: taken");
}

TEST_CASE("every code has a word of its own", "[result]") {
  std::vector<std::string_view> words;
  for (int code = 0; code <= static_cast<int>(Errc::internal); ++code) {
    const std::string_view word = to_string(static_cast<Errc>(code));
    CHECK(std::find(words.begin(), words.end(), word) == words.end());
    words.push_back(word);
  }
}

TEST_CASE("what a platform calls its parts reads back", "[machine]") {
  for (int at = 0; at <= static_cast<int>(Bus::usb); ++at) {
    CHECK(bus_from(to_string(static_cast<Bus>(at))) == static_cast<Bus>(at));
  }
  CHECK(power_from(to_string(Power::suspended)) == Power::suspended);
  CHECK(firmware_from(to_string(FirmwareKind::uefi)) == FirmwareKind::uefi);
  CHECK(clock_from(to_string(ClockBase::local_time)) == ClockBase::local_time);
  CHECK(guest_family_from(to_string(GuestFamily::windows)) == GuestFamily::windows);
  CHECK(bus_from("floppy") == Bus::unknown);
  CHECK(power_from("") == Power::unknown);
}

TEST_CASE("verdicts are written as people read them", "[verdict]") {
  CHECK(to_string(Question::operator_) == "operator");
  CHECK(to_string(Answer::unverified) == "UNVERIFIED");
  CHECK(to_string(Basis::measured) == "measured");
}

TEST_CASE("a channel refuses what it does not do", "[channel]") {
  struct Closed final : Channel {
    const ChannelInfo& info() const override { return info_; }
    Status close(const Call&) override { return ok(); }
    ChannelInfo info_;
  } channel;
  CHECK(channel.changed(0, {}).error().code == Errc::unsupported);
  CHECK(channel.next({}, {}).error().code == Errc::unsupported);
  CHECK(channel.put({}, {}, {}).error().code == Errc::unsupported);
  CHECK(channel.flush({}).error().code == Errc::unsupported);
}

}  // namespace
}  // namespace flyt
