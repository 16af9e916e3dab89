// SPDX-License-Identifier: Apache-2.0
#include "jobs/run_record.h"

#include <stdexcept>
#include <utility>

#include "jobs/digest.h"
#include "jobs/json_text.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::size_t kHashLetters = 64;
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

}  // namespace

std::string first_previous_hash() {
  return std::string(kHashLetters, '0');
}

json exact_integer(std::int64_t value) {
  return value > kLargestExact || value < -kLargestExact ? json(std::to_string(value))
                                                         : json(value);
}

SealedRecord seal_record(json record, const std::string& previous_hash) {
  record["format"] = kRecordFormat;
  record["previous_run_hash"] = previous_hash.empty() ? first_previous_hash() : previous_hash;
  make_exact(record);
  SealedRecord sealed{.record = std::move(record), .text = {}, .hash = {}};
  sealed.hash = hash_of_record(sealed.record);
  sealed.record["run_hash"] = sealed.hash;
  sealed.text = compact(sealed.record);
  return sealed;
}

std::string hash_of_record(json record) {
  record.erase("run_hash");
  return sha256_hex(compact(record));
}

}  // namespace holdfast
