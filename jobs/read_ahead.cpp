// SPDX-License-Identifier: Apache-2.0
#include "jobs/read_ahead.h"

#include <algorithm>
#include <exception>
#include <span>
#include <utility>

namespace holdfast {
namespace {

// So many rows are deleted before a slice looks at the clock: some 10 ms, and in long slices 20,
// because each part has a digest and keys of its own.
constexpr std::size_t kFewestInPart = 1024;
constexpr std::size_t kMostInPart = 2048;
constexpr std::size_t kPartsOfSlice = 32;
constexpr std::size_t kKeysInRead = 64;  // close enough to each other to be read in one go

}  // namespace

std::int64_t DecidedRows::handled() const {
  std::int64_t rows = 0;
  for (const DecidedPart& part : parts) {
    rows += part.rows.handled;
  }
  return rows;
}

ReadAhead::ReadAhead(std::unique_ptr<Database> reader,
                     const DecisionContext& context,
                     std::string salt)
    : reader_(std::move(reader)), rows_(*reader_, context), salt_(std::move(salt)) {}

ReadAhead::~ReadAhead() {
  forget();
}

void ReadAhead::start(std::vector<RowKey> keys) {
  unwanted_ = false;
  reading_ =
      std::async(std::launch::async, [this, wanted = std::move(keys)] { return read(wanted); });
}

bool ReadAhead::wait(std::chrono::milliseconds most) const {
  return !reading_.valid() || reading_.wait_for(most) == std::future_status::ready;
}

DecidedRows ReadAhead::take() {
  if (!reading_.valid()) {
    return {};
  }
  try {
    return reading_.get();
  } catch (const std::exception&) {
    return {};
  }
}

void ReadAhead::forget() {
  unwanted_ = true;
  (void)take();
}

bool ReadAhead::suits(Database& database, const DecisionContext& context) {
  const LogShape& shape = database.audit_log().shape();
  // A trigger may change any row while another is deleted. Where children are found by reading all
  // of their table, a slice has to look at the clock after each row. The newest key is one that the
  // connection remembers from the plan.
  return database.readers_are_free() && finds_children(shape) && shape.ordered_keys &&
         !shape.reuses_newest_key && !shape.deletes_fire_triggers &&
         !database.guard().slices_run_others() && context.can_share();
}

DecidedRows ReadAhead::read(const std::vector<RowKey>& keys) {
  DecidedRows decided;
  const std::size_t in_part = std::clamp(keys.size() / kPartsOfSlice, kFewestInPart, kMostInPart);
  decided.parts.reserve((keys.size() + in_part - 1) / in_part);
  std::optional<SliceDigest> digest;
  if (!salt_.empty()) {
    digest.emplace(salt_);
  }
  const auto snapshot = reader_->begin_read();
  const std::span<const RowKey> all{keys};
  for (std::size_t from = 0; from < keys.size() && !unwanted_; from += in_part) {
    DecidedPart& part = decided.parts.emplace_back();
    part.rows.counted = &decided.counted;
    part.rows.going.reserve(std::min(in_part, keys.size() - from));
    const auto of_part = all.subspan(from, std::min(in_part, keys.size() - from));
    for (std::size_t next = 0; next < of_part.size() && !unwanted_; next += kKeysInRead) {
      rows_.read(of_part.subspan(next, std::min(kKeysInRead, of_part.size() - next)),
                 part.rows,
                 {.digest = digest ? &*digest : nullptr});
    }
    if (digest) {
      part.digest.emplace(*digest);
    }
    part.rows.counted = nullptr;  // it moves when this is given away
    decided.counted.end_part();
  }
  decided.sums = decided.counted.of_first(decided.counted.parts());
  return decided;
}

}  // namespace holdfast
