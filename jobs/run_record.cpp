// SPDX-License-Identifier: Apache-2.0
#include "jobs/run_record.h"

#include <numeric>
#include <stdexcept>
#include <utility>

#include "jobs/digest.h"
#include "jobs/json_text.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::size_t kHashLetters = 64;
constexpr std::string_view kHashKey = "run_hash";
constexpr std::size_t kRoomForTheRest = std::size_t{64} * 1024;  // of a record, beside its lists
constexpr std::int64_t kLargestExact = std::int64_t{1} << 53;  // every integer up to it is a double

void make_exact(json& value) {
  if (value.is_number_float()) {
    throw std::logic_error("a run record must not hold a real number: " + value.dump());
  }
  if (value.is_number_integer()) {
    value = exact_integer(value.get<std::int64_t>());
  } else if (value.is_structured()) {
    for (json& part : value) {
      make_exact(part);
    }
  }
}

/// Between others, none of which is the first.
std::string entry_of_hash(const std::string& hash) {
  return ",\"" + std::string(kHashKey) + "\":\"" + hash + "\"";
}

/// Adds one entry of the record to its text.
void add_entry(std::string& text, std::string_view name, std::string_view value) {
  text += text.empty() ? '{' : ',';
  text += compact(name);
  text += ':';
  text += value;
}

/// Brings entries and lists into one canonical form. Returns where the hash has its place in it.
std::size_t join(const json& record, const RecordLists& lists, std::string& text) {
  const auto whole = [](std::size_t sum, const auto& list) {
    return sum + list.second.size();
  };
  text.reserve(std::accumulate(lists.begin(), lists.end(), kRoomForTheRest, whole));
  std::map<std::string_view, const json*> all;
  for (const auto& [name, list] : lists) {
    all[name] = nullptr;
  }
  for (auto entry = record.begin(); entry != record.end(); ++entry) {
    all.try_emplace(entry.key(), &entry.value());
  }
  std::size_t place = 0;
  for (const auto& [name, value] : all) {
    add_entry(text, name, value == nullptr ? lists.find(name)->second : compact(*value));
    place = name < kHashKey ? text.size() : place;
  }
  text += '}';
  return place;
}

}  // namespace

std::string first_previous_hash() {
  return std::string(kHashLetters, '0');
}

json exact_integer(std::int64_t value) {
  return value > kLargestExact || value < -kLargestExact ? json(std::to_string(value))
                                                         : json(value);
}

void RecordList::add(json entry) {
  make_exact(entry);
  add_text(compact(entry));
}

void RecordList::add_text(std::string_view entry) {
  if (text_.size() > 1) {
    text_ += ',';
  }
  text_ += entry;
}

std::string RecordList::finish() && {
  text_ += ']';
  return std::move(text_);
}

SealedRecord seal_record(json record, const std::string& previous_hash, const RecordLists& lists) {
  SealedRecord sealed{
      .text = {},
      .hash = {},
      .previous_hash = previous_hash.empty() ? first_previous_hash() : previous_hash};
  record["format"] = kRecordFormat;
  record["previous_run_hash"] = sealed.previous_hash;
  record.erase(std::string(kHashKey));
  make_exact(record);
  const std::size_t place = join(record, lists, sealed.text);
  sealed.hash = sha256_hex(sealed.text);
  sealed.text.insert(place, entry_of_hash(sealed.hash));
  return sealed;
}

std::string hash_of_record(json record) {
  record.erase(std::string(kHashKey));
  return sha256_hex(compact(record));
}

}  // namespace holdfast
