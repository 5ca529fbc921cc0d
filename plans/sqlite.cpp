#include "plans/sqlite.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <utility>

namespace flyt {
namespace {

constexpr int busy_ms = 10000;

std::string folder_of(sqlite3* database) {
  const char* const file = database != nullptr ? sqlite3_db_filename(database, "main") : nullptr;
  return file != nullptr ? std::filesystem::path(file).parent_path().native() : "";
}

// Full, or failing: only one of the codes tells which.
void say_full(Error& error, sqlite3* database, int code) {
  const std::string folder = folder_of(database);
  error.code = Errc::unavailable;
  error.why = fmt::format("the disk of the state folder is full{}",
                          (code & 0xff) == SQLITE_FULL ? "" : " or fails");
  error.state = "what the journal holds is kept";
  error.remedy = {fmt::format("make room {} (df -h shows it), then run the same command again",
                              folder.empty() ? "there" : "in " + folder)};
}

Error sqlite_error(sqlite3* database, int code) {
  Error error{.code = Errc::internal,
              .what = "the journal cannot be used",
              .seen = database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code)};
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      error.code = Errc::corrupt;
      error.what = "the journal is damaged";
      error.remedy = {"restore journal.db from a backup; the targets keep their migration ids"};
      break;
    case SQLITE_FULL:
    case SQLITE_IOERR:
      say_full(error, database, code);
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      error.code = Errc::unavailable;
      error.why = "another program holds journal.db";
      break;
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      error.code = Errc::denied;
      break;
    default:
      break;
  }
  return error;
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)) {}
Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::bind(int place, std::string_view text) {
  sqlite3_bind_text(statement_, place, text.data(), static_cast<int>(text.size()),
                    SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::bind(int place, std::uint64_t number) {
  sqlite3_bind_int64(statement_, place, static_cast<sqlite3_int64>(number));
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return sqlite_error(sqlite3_db_handle(statement_), code);
}

std::string Statement::text(int column) {
  const auto* const bytes = sqlite3_column_text(statement_, column);
  if (bytes == nullptr) return {};
  return {reinterpret_cast<const char*>(bytes),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::uint64_t Statement::number(int column) {
  return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column));
}

Database::Database(Database&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}
Database::~Database() { sqlite3_close(database_); }

Result<Database> Database::open(const std::filesystem::path& file) {
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(file.c_str(), &raw,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW, nullptr);
  Database database(raw);
  if (code != SQLITE_OK) return sqlite_error(raw, code);
  sqlite3_busy_timeout(raw, busy_ms);
  return database;
}

Status Database::run(const char* sql) {
  const int code = sqlite3_exec(database_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return sqlite_error(database_, code);
  return ok();
}

Result<Statement> Database::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(database_, sql, -1, &statement, nullptr);
  if (code != SQLITE_OK) return sqlite_error(database_, code);
  return Statement(statement);
}

Result<std::uint64_t> Database::number(const char* sql) {
  FLYT_ASSIGN(auto statement, prepare(sql));
  FLYT_ASSIGN(const bool row, statement.step());
  return row ? statement.number(0) : std::uint64_t{0};
}

}  // namespace flyt
