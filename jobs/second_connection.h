// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "storage/database.h"

namespace holdfast {

/// Opens the same database a second time, for reading.
using OpenReader = std::function<std::unique_ptr<Database>()>;

/// What a second connection has to agree with. Made by the thread that has the first one; open()
/// may be called in another.
class SecondConnection {
 public:
  explicit SecondConnection(Database& first);

  /// Null where readers are in the way of writers, where it sees another table, or where another
  /// database has taken the place of the first one. Errors: those of `open_reader`, StorageError.
  [[nodiscard]] std::unique_ptr<Database> open(const OpenReader& open_reader) const;

 private:
  bool free_;
  std::string place_;
  std::map<std::string, std::string> mapping_;
};

}  // namespace holdfast
