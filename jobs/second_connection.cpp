// SPDX-License-Identifier: Apache-2.0
#include "jobs/second_connection.h"

namespace holdfast {

SecondConnection::SecondConnection(Database& first)
    : free_(first.readers_are_free()),
      place_(first.place_mark()),
      mapping_(first.audit_log().shape().mapping) {}

std::unique_ptr<Database> SecondConnection::open(const OpenReader& open_reader) const {
  if (!open_reader || !free_ || place_.empty()) {
    return nullptr;
  }
  auto reader = open_reader();
  const bool same = reader && reader->readers_are_free() && reader->place_mark() == place_ &&
                    reader->audit_log().shape().mapping == mapping_;
  return same ? std::move(reader) : nullptr;
}

}  // namespace holdfast
