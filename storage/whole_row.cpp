// SPDX-License-Identifier: Apache-2.0
#include "storage/whole_row.h"

#include <algorithm>
#include <utility>

namespace holdfast {

std::string listed(const std::vector<std::string>& expressions) {
  std::string list;
  for (const std::string& expression : expressions) {
    list += (list.empty() ? "" : ", ") + expression;
  }
  return list;
}

WholeColumns::WholeColumns(std::vector<std::string> facts,
                           const std::vector<std::string>& columns) {
  for (const std::string& column : columns) {
    auto found = std::find(facts.begin(), facts.end(), column);
    if (found == facts.end()) {
      found = facts.insert(found, column);
    }
    places_.push_back(static_cast<int>(found - facts.begin()));
  }
  list_ = listed(facts);
}

}  // namespace holdfast
