// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/webhook_url.h"

#include <curl/curl.h>

#include <charconv>
#include <memory>
#include <string_view>

namespace holdfast {
namespace {

struct UrlCloser {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using ParsedUrl = std::unique_ptr<CURLU, UrlCloser>;

/// Null where it is no address.
ParsedUrl parse_url(const std::string& text) {
  ParsedUrl url{curl_url()};
  if (url && curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) {
    url.reset();
  }
  return url;
}

std::string part_of(const ParsedUrl& url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, 0) != CURLUE_OK || text == nullptr) {
    return "";
  }
  std::string part_text = text;
  curl_free(text);
  return part_text;
}

/// Four numbers of at most 255, the first of them 127, and nothing else: anything more is a name.
bool is_loopback_address(std::string_view host) {
  constexpr int kNumbers = 4;
  constexpr int kLargest = 255;
  for (int place = 0; place < kNumbers; ++place) {
    const std::string_view number = host.substr(0, host.find('.'));
    int value = -1;
    const auto [end, problem] =
        std::from_chars(number.data(), number.data() + number.size(), value);
    if (problem != std::errc{} || end != number.data() + number.size() || value < 0 ||
        value > kLargest || (place == 0 && value != 127)) {
      return false;
    }
    const bool last = place + 1 == kNumbers;
    if ((number.size() == host.size()) != last) {
      return false;
    }
    host.remove_prefix(last ? number.size() : number.size() + 1);
  }
  return true;
}

/// Names that never lead off this machine; libcurl asks no resolver about "localhost".
bool stays_on_this_machine(const std::string& host) {
  return host == "localhost" || host == "[::1]" || is_loopback_address(host);
}

}  // namespace

std::optional<std::string> webhook_url_fault(const std::string& url, bool allow_http) {
  const ParsedUrl parsed = parse_url(url);
  if (!parsed) {
    return R"(is no address: write "https://alerts.example.com/holdfast")";
  }
  if (!part_of(parsed, CURLUPART_USER).empty() || !part_of(parsed, CURLUPART_PASSWORD).empty()) {
    return "has a user or password in it: what is sent is signed with secret_file instead";
  }
  const std::string scheme = part_of(parsed, CURLUPART_SCHEME);
  if (scheme != "https" && scheme != "http") {
    return "is neither https nor http";
  }
  if (scheme == "http" && !allow_http && !stays_on_this_machine(part_of(parsed, CURLUPART_HOST))) {
    return "is http to another machine, which anybody on the way can read: write https, or set "
           "allow_http = true";
  }
  return std::nullopt;
}

std::string webhook_place(const std::string& url) {
  const ParsedUrl parsed = parse_url(url);
  if (!parsed) {
    return "?";
  }
  const std::string port = part_of(parsed, CURLUPART_PORT);
  return part_of(parsed, CURLUPART_SCHEME) + "://" + part_of(parsed, CURLUPART_HOST) +
         (port.empty() ? "" : ":" + port);
}

}  // namespace holdfast
