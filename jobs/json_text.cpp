// SPDX-License-Identifier: Apache-2.0
#include "jobs/json_text.h"

#include <array>

namespace holdfast {
namespace {

/// How many bytes the UTF-8 character at the start of `text` has; 0 where it is none. Overlong
/// forms, surrogates and values beyond U+10FFFF are none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&text](std::size_t at) {
    return static_cast<unsigned char>(text[at]);
  };
  const unsigned char lead = byte(0);
  if (lead < 0x80) {
    return 1;
  }
  struct Form {
    unsigned char first, last;
    std::size_t length;
    unsigned char second_from, second_to;
  };
  constexpr std::array<Form, 8> kForms = {{{0xC2, 0xDF, 2, 0x80, 0xBF},
                                           {0xE0, 0xE0, 3, 0xA0, 0xBF},
                                           {0xE1, 0xEC, 3, 0x80, 0xBF},
                                           {0xED, 0xED, 3, 0x80, 0x9F},
                                           {0xEE, 0xEF, 3, 0x80, 0xBF},
                                           {0xF0, 0xF0, 4, 0x90, 0xBF},
                                           {0xF1, 0xF3, 4, 0x80, 0xBF},
                                           {0xF4, 0xF4, 4, 0x80, 0x8F}}};
  for (const Form& form : kForms) {
    if (lead < form.first || lead > form.last) {
      continue;
    }
    if (text.size() < form.length || byte(1) < form.second_from || byte(1) > form.second_to) {
      return 0;
    }
    for (std::size_t at = 2; at < form.length; ++at) {
      if (byte(at) < 0x80 || byte(at) > 0xBF) {
        return 0;
      }
    }
    return form.length;
  }
  return 0;
}

}  // namespace

std::string utf8_text(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    std::size_t length = utf8_length(bytes);
    if (length == 0) {
      const auto byte = static_cast<unsigned char>(bytes.front());
      out += "\\x";
      out += kDigits[byte >> 4U];
      out += kDigits[byte & 0x0FU];
      length = 1;
    } else {
      out += bytes.substr(0, length);
    }
    bytes.remove_prefix(length);
  }
  return out;
}

nlohmann::json json_or_null(const std::optional<std::string>& text) {
  return text ? nlohmann::json(utf8_text(*text)) : nlohmann::json(nullptr);
}

nlohmann::json json_time(const std::optional<Instant>& instant) {
  return instant ? nlohmann::json(to_rfc3339(*instant)) : nlohmann::json(nullptr);
}

nlohmann::json kept_json(const ReasonCounts& counts, Zeros zeros) {
  nlohmann::json kept = nlohmann::json::object();
  for (const Reason reason : kAllReasons) {
    if (reason != Reason::expired && (zeros == Zeros::shown || counts[reason] != 0)) {
      kept[std::string(to_token(reason))] = counts[reason];
    }
  }
  return kept;
}

nlohmann::json tally_json(const Tally& tally) {
  nlohmann::json lines = nlohmann::json::array();
  for (const auto& [place, counts] : tally.places()) {
    for (const Reason reason : kAllReasons) {
      if (counts[reason] != 0) {
        lines.push_back({{"tenant", json_or_null(place.tenant)},
                         {"category", place.category},
                         {"reason", to_token(reason)},
                         {"rows", counts[reason]}});
      }
    }
  }
  return lines;
}

std::string compact(const nlohmann::json& value) {
  return value.dump();
}

}  // namespace holdfast
