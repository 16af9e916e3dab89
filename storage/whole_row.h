// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "policy/stored_value.h"
#include "storage/audit_log.h"

namespace holdfast {

/// `a, b, c`: for a SELECT.
[[nodiscard]] std::string listed(const std::vector<std::string>& expressions);

/// What a statement asks for that reads whole rows: what a FactsReader wants, and whatever else a
/// row has. No column is asked for twice.
class WholeColumns {
 public:
  /// `facts`: what comes first, in this order. `columns`: every column of a row, in the order in
  /// which digests and archives have them.
  WholeColumns(std::vector<std::string> facts, const std::vector<std::string>& columns);

  /// What a SELECT has to list.
  [[nodiscard]] const std::string& list() const { return list_; }
  /// Where in that list each of the columns stands, from 0 on.
  [[nodiscard]] const std::vector<int>& places() const { return places_; }

 private:
  std::string list_;
  std::vector<int> places_;
};

/// The whole row that a statement over WholeColumns stands at: any kind of statement that has
/// column(index). Both outlive it.
template <typename Row>
class WholeRow final : public RowContent {
 public:
  WholeRow(const Row& row, const WholeColumns& columns) : row_(row), columns_(columns) {}
  void append_to(std::string& out) const override {
    for (const int place : columns_.places()) {
      append_canonical(out, row_.column(place));
    }
  }

 private:
  const Row& row_;
  const WholeColumns& columns_;
};

}  // namespace holdfast
