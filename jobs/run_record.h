// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace holdfast {

/// What every record says it is; the shape is in jobs/run_record.schema.json.
inline constexpr const char* kRecordFormat = "holdfast-run-record/1";

/// The predecessor of the first record of a chain: 64 zeros.
[[nodiscard]] std::string first_previous_hash();

/// An integer that every reader of JSON reads alike: beyond 2^53 as a string.
[[nodiscard]] nlohmann::json exact_integer(std::int64_t value);

/// A long list of a record, written down entry by entry: a hundred thousand entries as values of
/// JSON take five times the memory of their text.
class RecordList {
 public:
  /// Integers beyond 2^53 become strings. Errors: std::logic_error for a real number.
  void add(nlohmann::json entry);
  /// An entry that is in its canonical form already.
  void add_text(std::string_view entry);
  /// The list in its canonical form. Nothing can be added any more.
  [[nodiscard]] std::string finish() &&;

 private:
  std::string text_ = "[";
};

/// Lists of a record by their names, each in its canonical form.
using RecordLists = std::map<std::string, std::string_view, std::less<>>;

/// A record in its place in the chain.
struct SealedRecord {
  std::string text;           ///< its canonical form, as the ledger keeps it
  std::string hash;           ///< SHA-256 of the canonical form without run_hash
  std::string previous_hash;  ///< the hash of the record before, as this one says it
};

/// Puts a record, with its lists, behind the one with this hash ("": it is the first). Integers
/// beyond 2^53 become strings. Errors: std::logic_error for a record with a real number in it,
/// which has no canonical form.
[[nodiscard]] SealedRecord seal_record(nlohmann::json record,
                                       const std::string& previous_hash,
                                       const RecordLists& lists = {});

/// The hash that a record should have: SHA-256 of its canonical form without "run_hash".
[[nodiscard]] std::string hash_of_record(nlohmann::json record);

}  // namespace holdfast
