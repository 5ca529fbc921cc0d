#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

#include "verifiers/verifier.hpp"

namespace flyt {
namespace {

constexpr std::uint64_t digest_block_bytes = 1U << 20;

std::string counted(std::uint64_t count, std::string_view one) {
  return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

std::string block_list(const BytesRecord& record) {
  std::string list;
  for (const std::uint64_t block : record.different) {
    list += fmt::format("{}{}", list.empty() ? "" : ", ", block);
  }
  if (record.different_blocks > record.different.size() && !list.empty()) list += ", ...";
  return list;
}

// What the manifest says now against what the copy and the commit reported when they were done: a
// manifest that was changed since, and a target with it, would agree with each other.
std::string other_than_done(const BytesRecord& record) {
  if (record.copied_root && record.source_root != *record.copied_root) {
    return "the manifest's source root is not the one that the copy reported when it was done";
  }
  if (record.committed_root && record.expected_root != *record.committed_root) {
    return "the expected root is not the one that the commit of the conversion reported";
  }
  if (record.copied_root && !record.committed_root && record.equal_conversion > 0) {
    return fmt::format("{} of a conversion that the plan has not",
                       counted(record.equal_conversion, "block"));
  }
  return {};
}

// What contradicts "the same data"; empty: nothing does.
std::string contradiction(const BytesRecord& record) {
  if (record.different_blocks != 0 || !record.different.empty()) {
    const auto count = std::max<std::uint64_t>(record.different_blocks, record.different.size());
    return fmt::format("{} of {} read back different{}{}", counted(count, "block"), record.blocks,
                       record.different.empty() ? "" : ": ", block_list(record));
  }
  if (record.read_root != record.expected_root) {
    return "the root over what was read back is not the expected one";
  }
  if (std::string other = other_than_done(record); !other.empty()) return other;
  if (record.equal_conversion == 0 && record.expected_root != record.source_root) {
    return "no block was converted, yet the expected root is not the source's";
  }
  if (!record.outside_equal) {
    return "committing the conversion found other bytes beside its own changes";
  }
  if (!record.tail_zero) return "what lies beyond the source's length is not zero";
  return {};
}

// What keeps the record from proving anything; empty: it proves the whole disk.
std::string gap(const BytesRecord& record) {
  if (!record.before_power_on) return "read after the machine had been started";
  const std::uint64_t whole =
      record.length / digest_block_bytes + (record.length % digest_block_bytes != 0 ? 1 : 0);
  if (record.blocks < whole) {
    return fmt::format("only {} of {} blocks were read back", record.blocks, whole);
  }
  if (record.equal_source + record.equal_conversion < record.blocks) {
    return fmt::format("only {} of {} blocks were compared",
                       record.equal_source + record.equal_conversion, record.blocks);
  }
  return {};
}

std::string evidence_line(const BytesRecord& record) {
  return fmt::format(
      "disk {}: {} bytes; {} read back: {} as the source, {} as the conversion, {} different; "
      "source root {}, expected root {}, read root {}",
      record.disk, record.length, counted(record.blocks, "block"), record.equal_source,
      record.equal_conversion, record.different_blocks, to_hex(record.source_root),
      to_hex(record.expected_root), to_hex(record.read_root));
}

std::string landed_line(const BytesRecord& record) {
  const LandedDisk& landed = *record.landed;
  return fmt::format(
      "disk {}: that was read back where flyt keeps it; {} bytes of it were sent, {}; they became "
      "{}, which nobody has read back: {}",
      record.disk, landed.sent_bytes,
      landed.sha256.empty()
          ? std::string("and no digest was compared")
          : fmt::format("their SHA-256 {} was compared by the platform", landed.sha256),
      landed.volume, landed.unread);
}

struct Tally {
  std::set<std::string> disks;
  std::string failed, missing;  // of the first disk where something is
  std::uint64_t converted = 0;
  std::string unread;      // of the first disk that was landed after it was read back
  bool unchecked = false;  // no digest of what was sent was compared
};

Tally tally(const std::vector<BytesRecord>& records) {
  Tally all;
  for (const BytesRecord& record : records) {
    all.disks.insert(record.disk);
    all.converted += record.equal_conversion;
    if (record.landed) {
      if (all.unread.empty()) all.unread = record.landed->unread;
      all.unchecked = all.unchecked || record.landed->sha256.empty();
    }
    // What a started guest has written says nothing about the copy, neither way.
    const std::string wrong = record.before_power_on ? contradiction(record) : std::string();
    const std::string open = gap(record);
    if (all.failed.empty() && !wrong.empty()) {
      all.failed = fmt::format("disk {}: {}", record.disk, wrong);
    }
    if (all.missing.empty() && !open.empty()) {
      all.missing = fmt::format("disk {}: {}", record.disk, open);
    }
  }
  return all;
}

}  // namespace

Verdict judge_bytes(const std::vector<BytesRecord>& records, std::size_t disks,
                    std::string_view at) {
  Verdict verdict{.question = Question::bytes, .at = std::string(at)};
  for (const BytesRecord& record : records) {
    verdict.evidence.push_back(evidence_line(record));
    if (record.landed) verdict.evidence.push_back(landed_line(record));
  }
  const Tally all = tally(records);
  if (!records.empty()) verdict.basis = Basis::measured;
  if (!all.failed.empty()) {
    verdict.answer = Answer::fail;
    verdict.value = "different";
    verdict.why = all.failed;
    return verdict;
  }
  if (!all.missing.empty()) {
    verdict.why = all.missing;
    return verdict;
  }
  if (all.disks.empty() || all.disks.size() < disks) {
    verdict.why = disks == 0
                      ? "there is no disk to read back"
                      : fmt::format("{} of {} read back", all.disks.size(), counted(disks, "disk"));
    return verdict;
  }
  if (!all.unread.empty()) {
    verdict.value = "sent";
    verdict.why = fmt::format(
        "every block of {} that flyt has sent equals the source{}{}; what the platform made of it "
        "was not read back: {}",
        counted(all.disks.size(), "disk"), all.converted == 0 ? "" : " or the recorded conversion",
        all.unchecked ? "" : ", and arrived with its SHA-256", all.unread);
    return verdict;
  }
  verdict.answer = Answer::pass;
  verdict.value = all.converted == 0 ? "identical"
                                     : fmt::format("{} converted", counted(all.converted, "block"));
  verdict.why =
      all.converted == 0
          ? fmt::format("every block of {} equals the source", counted(all.disks.size(), "disk"))
          : fmt::format("every block of {} equals the source or the recorded conversion",
                        counted(all.disks.size(), "disk"));
  return verdict;
}

}  // namespace flyt
