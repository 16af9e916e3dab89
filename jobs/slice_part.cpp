// SPDX-License-Identifier: Apache-2.0
#include "jobs/slice_part.h"

#include <iterator>
#include <utility>

namespace holdfast {

void SlicePart::add_keys(SlicePart&& other) {
  const auto move_keys = [](std::vector<RowKey>& to, std::vector<RowKey>& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
    from = {};
  };
  move_keys(going, other.going);
  move_keys(met, other.met);
  handled += other.handled;
  vanished += other.vanished;
}

void PartReader::read(std::span<const RowKey> keys, SlicePart& part, const Attestation& attested) {
  AuditLog& log = database_.audit_log();
  std::int64_t there = 0;
  if (attested.digest != nullptr || attested.archive != nullptr) {
    log.read_whole_rows(keys, [&](const RowFacts& row, const RowContent& content) {
      ++there;
      if (decide(row, part)) {
        attest(*row.key, content, attested);
      }
    });
  } else {
    log.read_rows(keys, [&](const RowFacts& row) {
      ++there;
      (void)decide(row, part);
    });
  }
  const auto asked = static_cast<std::int64_t>(keys.size());
  part.handled += asked;
  part.vanished += asked - there;
}

bool PartReader::take(const RowFacts& row,
                      const RowContent& content,
                      SlicePart& part,
                      const Attestation& attested) {
  ++part.handled;
  const bool goes = decide(row, part);
  if (goes && (attested.digest != nullptr || attested.archive != nullptr)) {
    attest(*row.key, content, attested);
  }
  return goes;
}

/// Counts the row. Returns true where it goes.
bool PartReader::decide(const RowFacts& row, SlicePart& part) {
  const Decision decision = context_.decide_row(row, database_.first_seen());
  if (part.counted != nullptr) {
    part.counted->add(row, decision);
  } else {
    part.sums.count(row, decision);
  }
  if (!decision.deletes()) {
    return false;
  }
  part.going.push_back(*row.key);
  if (decision.bad_time) {
    part.met.push_back(*row.key);
  }
  return true;
}

void PartReader::attest(const RowKey& key, const RowContent& content, const Attestation& attested) {
  content_.clear();
  content.append_to(content_);
  if (attested.digest != nullptr) {
    attested.digest->add(content_);
  }
  if (attested.archive != nullptr) {
    attested.archive->add(key, content_);
  }
}

}  // namespace holdfast
