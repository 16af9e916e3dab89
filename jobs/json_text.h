// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "policy/instant.h"
#include "policy/tally.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// Text from data as a JSON string: bytes that are not UTF-8 appear as \xNN, so that a hostile code
/// cannot stop a run.
[[nodiscard]] std::string utf8_text(std::string_view bytes);

/// True where utf8_text() would leave the text as it is.
[[nodiscard]] bool is_utf8(std::string_view bytes);

/// Text from data for a terminal: as utf8_text(), and control characters appear as \xNN as well, so
/// that no tenant and no broken file can move the cursor or add a line.
[[nodiscard]] std::string one_line(std::string_view bytes);

/// The same for messages of several lines: line ends stay.
[[nodiscard]] std::string plain_lines(std::string_view bytes);

/// True where brackets nest deeper: found out before anything is made of the text, because the
/// library copies and writes a value level by level on the stack.
[[nodiscard]] bool nests_deeper(std::string_view json_text, int most);

/// What a text of somebody else's is as JSON; discarded where it is none, or nests deeper than 200.
[[nodiscard]] nlohmann::json parse_foreign(std::string_view json_text);

/// The text, or null.
[[nodiscard]] nlohmann::json json_or_null(const std::optional<std::string>& text);

/// The whole number that a JSON value is. The library would cut 0.5 to 0, and what it makes of
/// 1e300 is undefined. Errors: nlohmann::json::exception where it is no whole number, or does not
/// fit.
[[nodiscard]] std::int64_t whole_number(const nlohmann::json& value);

/// RFC 3339, or null.
[[nodiscard]] nlohmann::json json_time(const std::optional<Instant>& instant);

/// {reason: rows} over every reason that keeps; with zeros, or without.
enum class Zeros { shown, left_out };
[[nodiscard]] nlohmann::json kept_json(const ReasonCounts& counts, Zeros zeros);

/// Adds the bytes as a JSON text in its quotes: what compact() makes of utf8_text().
void add_json_text(std::string_view bytes, std::string& out);

/// The tally of a slice as an array of {tenant, category, reason, rows}, where data is never a key,
/// and a line for each child that lost rows, which are rows of other tables and count in no sum of
/// the log. What compact() would make of it, written at once: with many tenants there are many
/// lines, under the write lock.
[[nodiscard]] std::string slice_tally(const Tally& tally,
                                      const std::map<std::string, std::int64_t>& children);
/// What slice_tally() said of children; lines that are no such are left out.
void add_children_of(const nlohmann::json& tally, std::map<std::string, std::int64_t>& children);
/// [{"table", "rows"}].
[[nodiscard]] nlohmann::json children_json(const std::map<std::string, std::int64_t>& children);

/// One line, keys sorted, no white space.
[[nodiscard]] std::string compact(const nlohmann::json& value);

}  // namespace holdfast
