// SQLite as the journal needs it: an open database and its statements, with our errors.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace flyt {

class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  Statement& bind(int place, std::string_view text);  // places start at 1
  Statement& bind(int place, std::uint64_t number);
  Result<bool> step();           // whether there is a row
  std::string text(int column);  // columns start at 0
  std::uint64_t number(int column);

 private:
  sqlite3_stmt* statement_;
};

// Not thread-safe.
class Database {
 public:
  static Result<Database> open(const std::filesystem::path& file);
  Database(Database&& other) noexcept;
  Database& operator=(Database&&) = delete;
  ~Database();

  Status run(const char* sql);
  Result<Statement> prepare(const char* sql);
  Result<std::uint64_t> number(const char* sql);  // first column of the first row

 private:
  explicit Database(sqlite3* database) : database_(database) {}
  sqlite3* database_;
};

}  // namespace flyt
