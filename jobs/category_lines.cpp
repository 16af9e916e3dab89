// SPDX-License-Identifier: Apache-2.0
#include "jobs/category_lines.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <vector>

#include "jobs/json_text.h"
#include "jobs/run_record.h"

namespace holdfast {
namespace {

using nlohmann::json;

/// Every reason that keeps, by its word.
const std::vector<Reason>& reasons_by_word() {
  static const std::vector<Reason> sorted = [] {
    std::vector<Reason> reasons;
    std::copy_if(kAllReasons.begin(), kAllReasons.end(), std::back_inserter(reasons), [](Reason r) {
      return r != Reason::expired;
    });
    std::sort(reasons.begin(), reasons.end(), [](Reason left, Reason right) {
      return to_token(left) < to_token(right);
    });
    return reasons;
  }();
  return sorted;
}

void add_number(std::int64_t value, std::string& out) {
  const json exact = exact_integer(value);
  out += exact.is_string() ? compact(exact) : std::to_string(value);
}

void add_text_or_null(const std::optional<std::string>& text, std::string& out) {
  if (text) {
    add_json_text(*text, out);
  } else {
    out += "null";
  }
}

void add_time(const std::optional<Instant>& time, std::string& out) {
  if (time) {
    add_json_text(to_rfc3339(*time), out);
  } else {
    out += "null";
  }
}

void add_kept(const ReasonCounts& counts, std::string& out) {
  const char* before = "{";
  for (const Reason reason : reasons_by_word()) {
    if (counts[reason] != 0) {
      out += before;
      add_json_text(to_token(reason), out);
      out += ':';
      add_number(counts[reason], out);
      before = ",";
    }
  }
  out += *before == '{' ? "{}" : "}";
}

/// None where nothing is to be told of it.
std::optional<std::string> told(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional{text};
}

std::optional<Instant> told_cutoff(const CategoryLine& line) {
  return line.cutoff == kBeginningOfTime ? std::nullopt : line.cutoff;
}

}  // namespace

json category_line(const CategoryLine& line) {
  return {{"tenant", json_or_null(line.place.tenant)},
          {"category", json_or_null(told(line.place.category))},
          {"window", json_or_null(told(line.window))},
          {"disposition_cutoff", json_time(told_cutoff(line))},
          {"oldest_kept", json_time(line.oldest_kept)},
          {"newest_deleted", json_time(line.newest_deleted)},
          {"examined", line.counts.total()},
          {"deleted", line.counts.deleted()},
          {"kept", kept_json(line.counts, Zeros::left_out)}};
}

std::string category_line_text(const CategoryLine& line) {
  std::string out = R"({"category":)";
  add_text_or_null(told(line.place.category), out);
  out += R"(,"deleted":)";
  add_number(line.counts.deleted(), out);
  out += R"(,"disposition_cutoff":)";
  add_time(told_cutoff(line), out);
  out += R"(,"examined":)";
  add_number(line.counts.total(), out);
  out += R"(,"kept":)";
  add_kept(line.counts, out);
  out += R"(,"newest_deleted":)";
  add_time(line.newest_deleted, out);
  out += R"(,"oldest_kept":)";
  add_time(line.oldest_kept, out);
  out += R"(,"tenant":)";
  add_text_or_null(line.place.tenant, out);
  out += R"(,"window":)";
  add_text_or_null(told(line.window), out);
  out += '}';
  return out;
}

}  // namespace holdfast
