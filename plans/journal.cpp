#include "plans/journal.hpp"

#include <fmt/format.h>
#include <sys/vfs.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <mutex>

#include "base/durable_file.hpp"
#include "base/version.hpp"
#include "plans/lease.hpp"
#include "plans/sqlite.hpp"

namespace flyt {
namespace {

constexpr std::uint64_t application_id = 0x666c7974;  // "flyt"
constexpr std::uint64_t journal_version = 1;

constexpr const char* schema = R"sql(
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE machines (machine TEXT PRIMARY KEY, name TEXT NOT NULL, plan TEXT NOT NULL,
                       epoch INTEGER NOT NULL) STRICT;
CREATE TABLE steps (machine TEXT NOT NULL, step TEXT NOT NULL, state INTEGER NOT NULL,
                    epoch INTEGER NOT NULL, plan TEXT NOT NULL, at TEXT NOT NULL,
                    detail TEXT NOT NULL, number INTEGER NOT NULL,
                    PRIMARY KEY (machine, step)) STRICT;
CREATE TABLE resets (machine TEXT NOT NULL, step TEXT NOT NULL, reason TEXT NOT NULL,
                     at TEXT NOT NULL, detail TEXT NOT NULL) STRICT;
CREATE TABLE plans (digest TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT;
)sql";

std::string utc_text() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

// Locks and WAL's shared memory do not hold over a network.
Status refuse_network(const std::filesystem::path& folder) {
  struct Kind {
    std::uint32_t magic;
    const char* name;
  };
  constexpr std::array kinds{
      Kind{0x6969, "NFS"},       Kind{0xff534d42, "CIFS"},   Kind{0xfe534d42, "SMB"},
      Kind{0x517b, "SMB"},       Kind{0x00c36400, "CephFS"}, Kind{0x5346414f, "AFS"},
      Kind{0x01021997, "9p"},    Kind{0x73757245, "Coda"},   Kind{0x01161970, "GFS2"},
      Kind{0x7461636f, "OCFS2"}, Kind{0x0bd00bd0, "Lustre"}};
  struct statfs about {};
  if (statfs(folder.c_str(), &about) != 0) return system_error(folder.string(), errno);
  const auto magic = static_cast<std::uint32_t>(about.f_type);
  for (const Kind& kind : kinds) {
    if (kind.magic != magic) continue;
    return Error{.code = Errc::invalid,
                 .what = fmt::format("{} is on a network file system", folder.string()),
                 .seen = kind.name,
                 .why = "a journal there could be lost or written by two machines",
                 .state = "nothing was done",
                 .remedy = {"set [site] state to a folder on a local disk"}};
  }
  return ok();
}

// One transaction: rolled back unless committed.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) {}
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() {
    if (open_) (void)database_.run("ROLLBACK");
  }
  Status begin() {
    FLYT_TRY(database_.run("BEGIN IMMEDIATE"));
    open_ = true;
    return ok();
  }
  Status commit() {
    FLYT_TRY(database_.run("COMMIT"));
    open_ = false;
    return ok();
  }

 private:
  Database& database_;
  bool open_ = false;
};

class HeldLease : public Lease {
 public:
  HeldLease(FileDescriptor lock, std::uint64_t epoch) : lock_(std::move(lock)), epoch_(epoch) {}
  HeldLease(const HeldLease&) = delete;
  HeldLease& operator=(const HeldLease&) = delete;
  ~HeldLease() override { unlock_lease(lock_); }
  std::uint64_t epoch() const override { return epoch_; }

 private:
  FileDescriptor lock_;
  std::uint64_t epoch_;
};

class SqliteJournal : public Journal {
 public:
  SqliteJournal(Database database, std::filesystem::path leases)
      : database_(std::move(database)), leases_(std::move(leases)) {}

  Status prepare(const std::string& site_id);

  Result<std::unique_ptr<Lease>> take(const std::string& machine, const std::string& name,
                                      const std::string& plan) override;
  Status intend(const StepRecord& step) override { return write(step, StepState::intended); }
  Status finish(const StepRecord& step) override {
    if (step.state == StepState::intended) {
      return Error{Errc::internal, fmt::format("step {} finished without an outcome", step.step)};
    }
    return write(step, step.state);
  }
  Status reset(const std::string& machine, const std::string& step,
               const std::string& reason) override;
  Result<std::vector<StepRecord>> steps(const std::string& machine) override;
  Result<std::vector<MachineRecord>> machines() override;
  Status keep_plan(const std::string& digest, const std::string& text) override;
  Result<std::optional<std::string>> plan(const std::string& digest) override;

 private:
  Status make_or_check(const std::string& site_id);
  Status write(const StepRecord& step, StepState state);
  Status refuse_stale(const StepRecord& step);

  std::mutex mutex_;
  Database database_;
  std::filesystem::path leases_;
};

Status SqliteJournal::prepare(const std::string& site_id) {
  // Before WAL changes the file: a stranger's database stays as it is.
  FLYT_ASSIGN(const auto found, database_.number("PRAGMA user_version"));
  if (found > journal_version) {
    return Error{.code = Errc::invalid,
                 .what = "the journal was made by a newer flyt",
                 .seen = fmt::format("journal version {}; flyt {} knows {}", found, version(),
                                     journal_version),
                 .state = "nothing was done",
                 .remedy = {fmt::format("use a flyt that knows journal version {}", found)}};
  }
  FLYT_TRY(database_.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"));
  Transaction transaction(database_);
  FLYT_TRY(transaction.begin());
  FLYT_TRY(make_or_check(site_id));
  return transaction.commit();
}

Status SqliteJournal::make_or_check(const std::string& site_id) {
  FLYT_ASSIGN(const auto found, database_.number("PRAGMA user_version"));
  if (found == 0) {
    FLYT_ASSIGN(const auto tables, database_.number("SELECT count(*) FROM sqlite_master"));
    if (tables != 0) return Error{Errc::invalid, "journal.db is not a journal of flyt"};
    FLYT_TRY(database_.run(schema));
    FLYT_TRY(database_.run(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}",
                                       application_id, journal_version)
                               .c_str()));
    FLYT_ASSIGN(auto insert, database_.prepare("INSERT INTO about VALUES ('site', ?)"));
    FLYT_TRY(insert.bind(1, site_id).step());
    return ok();
  }
  FLYT_ASSIGN(const auto application, database_.number("PRAGMA application_id"));
  if (application != application_id) {
    return Error{Errc::invalid, "journal.db is not a journal of flyt"};
  }
  FLYT_ASSIGN(auto select, database_.prepare("SELECT value FROM about WHERE name = 'site'"));
  FLYT_ASSIGN(const bool row, select.step());
  if (row && select.text(0) == site_id) return ok();
  return Error{.code = Errc::invalid,
               .what = "the state folder belongs to another site",
               .seen = row ? select.text(0) : "no site",
               .state = "nothing was done",
               .remedy = {"give each site its own [site] state"}};
}

Result<std::unique_ptr<Lease>> SqliteJournal::take(const std::string& machine,
                                                   const std::string& name,
                                                   const std::string& plan) {
  const std::lock_guard guard(mutex_);
  FLYT_ASSIGN(auto lock, lock_lease(leases_, machine));
  Transaction transaction(database_);
  FLYT_TRY(transaction.begin());
  FLYT_ASSIGN(auto upsert,
              database_.prepare("INSERT INTO machines VALUES (?1, ?2, ?3, 1) ON CONFLICT (machine) "
                                "DO UPDATE SET name = ?2, plan = ?3, epoch = epoch + 1 "
                                "RETURNING epoch"));
  upsert.bind(1, machine).bind(2, name).bind(3, plan);
  FLYT_ASSIGN(const bool row, upsert.step());
  if (!row) return Error{Errc::internal, "the journal gave no epoch"};
  const std::uint64_t epoch = upsert.number(0);
  FLYT_TRY(upsert.step());
  FLYT_TRY(transaction.commit());
  return std::unique_ptr<Lease>(std::make_unique<HeldLease>(std::move(lock), epoch));
}

Status SqliteJournal::refuse_stale(const StepRecord& step) {
  FLYT_ASSIGN(auto select, database_.prepare("SELECT epoch FROM machines WHERE machine = ?"));
  FLYT_ASSIGN(const bool row, select.bind(1, step.machine).step());
  if (!row) return Error{Errc::invalid, fmt::format("nobody has taken {}", step.machine)};
  if (select.number(0) == step.epoch) return ok();
  return Error{.code = Errc::cancelled,
               .what = fmt::format("another flyt has taken {} over", step.machine),
               .seen = fmt::format("epoch {}, ours is {}", select.number(0), step.epoch),
               .state = "this process writes nothing more for it"};
}

Status SqliteJournal::write(const StepRecord& step, StepState state) {
  const std::lock_guard guard(mutex_);
  Transaction transaction(database_);
  FLYT_TRY(transaction.begin());
  FLYT_TRY(refuse_stale(step));
  FLYT_ASSIGN(auto upsert,
              database_.prepare(
                  "INSERT INTO steps VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, "
                  "(SELECT coalesce(max(number), 0) + 1 FROM steps)) ON CONFLICT (machine, step) "
                  "DO UPDATE SET state = ?3, epoch = ?4, plan = ?5, at = ?6, detail = ?7"));
  upsert.bind(1, step.machine).bind(2, step.step).bind(3, static_cast<std::uint64_t>(state));
  upsert.bind(4, step.epoch).bind(5, step.plan);
  upsert.bind(6, step.at.empty() ? utc_text() : step.at).bind(7, step.detail);
  FLYT_TRY(upsert.step());
  return transaction.commit();
}

Status SqliteJournal::reset(const std::string& machine, const std::string& step,
                            const std::string& reason) {
  const std::lock_guard guard(mutex_);
  Transaction transaction(database_);
  FLYT_TRY(transaction.begin());
  FLYT_ASSIGN(auto keep, database_.prepare("INSERT INTO resets SELECT machine, step, ?3, ?4, "
                                           "detail FROM steps WHERE machine = ?1 AND step = ?2"));
  keep.bind(1, machine).bind(2, step).bind(3, reason).bind(4, utc_text());
  FLYT_TRY(keep.step());
  FLYT_ASSIGN(auto remove, database_.prepare("DELETE FROM steps WHERE machine = ?1 AND step = ?2"));
  FLYT_TRY(remove.bind(1, machine).bind(2, step).step());
  return transaction.commit();
}

Result<std::vector<StepRecord>> SqliteJournal::steps(const std::string& machine) {
  const std::lock_guard guard(mutex_);
  FLYT_ASSIGN(auto select, database_.prepare("SELECT step, state, epoch, plan, at, detail FROM "
                                             "steps WHERE machine = ? ORDER BY number"));
  select.bind(1, machine);
  std::vector<StepRecord> all;
  while (true) {
    FLYT_ASSIGN(const bool row, select.step());
    if (!row) return all;
    if (select.number(1) > static_cast<std::uint64_t>(StepState::failed)) {
      return Error{Errc::corrupt, fmt::format("{}: step with unknown state", machine)};
    }
    all.push_back({machine, select.text(0), static_cast<StepState>(select.number(1)),
                   select.number(2), select.text(3), select.text(4), select.text(5)});
  }
}

Result<std::vector<MachineRecord>> SqliteJournal::machines() {
  const std::lock_guard guard(mutex_);
  FLYT_ASSIGN(auto select, database_.prepare("SELECT machine, name, plan, epoch FROM machines "
                                             "ORDER BY name, machine"));
  std::vector<MachineRecord> all;
  while (true) {
    FLYT_ASSIGN(const bool row, select.step());
    if (!row) return all;
    all.push_back({select.text(0), select.text(1), select.text(2), select.number(3),
                   lease_held_by(leases_, select.text(0))});
  }
}

Status SqliteJournal::keep_plan(const std::string& digest, const std::string& text) {
  const std::lock_guard guard(mutex_);
  FLYT_ASSIGN(auto insert, database_.prepare("INSERT OR IGNORE INTO plans VALUES (?1, ?2)"));
  FLYT_TRY(insert.bind(1, digest).bind(2, text).step());
  return ok();
}

Result<std::optional<std::string>> SqliteJournal::plan(const std::string& digest) {
  const std::lock_guard guard(mutex_);
  FLYT_ASSIGN(auto select, database_.prepare("SELECT text FROM plans WHERE digest = ?"));
  FLYT_ASSIGN(const bool row, select.bind(1, digest).step());
  if (!row) return std::optional<std::string>();
  return std::optional<std::string>(select.text(0));
}

}  // namespace

Result<std::unique_ptr<Journal>> open_journal(const std::filesystem::path& state,
                                              const std::string& site_id) {
  FLYT_TRY(make_private_folder(state));
  FLYT_TRY(refuse_network(state));
  FLYT_TRY(make_private_folder(state / "leases"));
  FLYT_ASSIGN(auto database, Database::open(state / "journal.db"));
  auto journal = std::make_unique<SqliteJournal>(std::move(database), state / "leases");
  FLYT_TRY(within((state / "journal.db").string(), journal->prepare(site_id)));
  return std::unique_ptr<Journal>(std::move(journal));
}

}  // namespace flyt
