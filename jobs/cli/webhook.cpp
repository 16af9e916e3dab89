// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/webhook.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <system_error>
#include <thread>

#include "jobs/cli/descriptor.h"
#include "jobs/cli/webhook_url.h"
#include "jobs/digest.h"
#include "jobs/job_error.h"

namespace holdfast {
namespace {

using std::chrono::milliseconds;

constexpr int kTries = 3;
constexpr int kPausesInLimit = 30;  // a pause is this part of the limit: 1 s of 30 s
constexpr std::size_t kShortestSecret = 16;
constexpr std::size_t kLongestSecret = 4096;
constexpr std::size_t kLongestAnswer = std::size_t{64} << 10;  // read and thrown away
constexpr long kTimeout = 408;
constexpr long kTooMany = 429;
constexpr long kServerFault = 500;

struct CurlCloser {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlHandle = std::unique_ptr<CURL, CurlCloser>;
using HeaderList = std::unique_ptr<curl_slist, CurlCloser>;

[[noreturn]] void refuse_secret(const std::filesystem::path& file, const std::string& sentence) {
  throw JobError(ExitStatus::failed, file.string() + ": " + sentence);
}

std::string read_secret(const std::filesystem::path& file) {
  // O_NONBLOCK, because opening a pipe would wait for ever.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open(2) has no other form
  const Descriptor opened{::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
  if (!opened.is_open()) {
    const int reason = errno;
    refuse_secret(file,
                  "the secret cannot be opened: " + std::generic_category().message(reason) +
                      (reason == EACCES ? ": chown it to who runs holdfast and chmod it 0600, and "
                                          "let that user enter its folder"
                                        : ""));
  }
  struct stat facts {};
  if (::fstat(opened.number(), &facts) != 0 || !S_ISREG(facts.st_mode)) {
    refuse_secret(file, "the secret is no regular file");
  }
  if ((facts.st_uid != ::geteuid() && facts.st_uid != 0) ||
      (facts.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    refuse_secret(
        file,
        "others may read or change the secret: chown it to who runs holdfast and chmod it "
        "0600, and make a new one if it was seen");
  }
  std::string secret(kLongestSecret + 1, '\0');
  const ssize_t got = ::read(opened.number(), secret.data(), secret.size());
  secret.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  const bool too_long = secret.size() > kLongestSecret;
  secret.erase(secret.find_last_not_of("\r\n") + 1);
  if (too_long || secret.size() < kShortestSecret) {
    refuse_secret(file, "a secret has 16 to 4096 bytes: \"openssl rand -hex 32\" makes one");
  }
  return secret;
}

// The answer's text says nothing that a run needs; a server that does not stop is cut off.
std::size_t throw_away(char* /*bytes*/, std::size_t size, std::size_t count, void* seen) {
  auto* total = static_cast<std::size_t*>(seen);
  *total += size * count;
  return *total > kLongestAnswer ? 0 : size * count;
}

/// What came of one try.
struct Answer {
  bool taken = false;
  bool again = false;  ///< another try may help
  std::string why;
};

Answer as_answer(CURLcode code, long status, const char* detail) {
  // What matters is the answer's first line; the rest of it may be cut off.
  if (status >= 200 && status < 300) {
    return {.taken = true};
  }
  if (status >= 300) {  // anything below 200 was only the promise of an answer
    return {.again = status >= kServerFault || status == kTimeout || status == kTooMany,
            .why = "answered with status " + std::to_string(status)};
  }
  return {.again = code != CURLE_PEER_FAILED_VERIFICATION,
          .why = *detail == '\0' ? curl_easy_strerror(code) : detail};
}

/// One message, ready to be sent more than once.
class Delivery {
 public:
  Delivery(const WebhookSettings& settings, const WebhookMessage& message, Instant now)
      : settings_(settings), body_(message.body), handle_(curl_easy_init()) {
    const std::string seconds = std::to_string(to_unix_ms(now) / 1000);
    const std::string signature =
        hmac_sha256_hex(read_secret(settings.secret_file), seconds + "." + message.body);
    add_header("Content-Type: application/json");
    add_header("X-Holdfast-Timestamp: " + seconds);
    add_header("X-Holdfast-Signature: sha256=" + signature);
    add_header("X-Holdfast-Delivery: " + message.delivery);
    if (!handle_ || !headers_) {
      throw JobError(ExitStatus::failed, "there is no memory for a request");
    }
    set(CURLOPT_URL, settings.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_NOSIGNAL, 1L);
    // Otherwise the end of the request would wait for a name server that does not answer.
    set(CURLOPT_QUICK_EXIT, 1L);
    set(CURLOPT_USERAGENT, "holdfast/" HOLDFAST_VERSION);
    set(CURLOPT_HTTPHEADER, headers_.get());
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDS, body_.c_str());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body_.size()));
    set(CURLOPT_WRITEFUNCTION, throw_away);
    set(CURLOPT_WRITEDATA, &seen_);
    set(CURLOPT_ERRORBUFFER, detail_.data());
    if (!webhook_url_fault(settings.url, /*allow_http=*/false) &&
        webhook_place(settings.url).starts_with("http:")) {
      set(CURLOPT_NOPROXY, "*");  // what stays on this machine asks no proxy
    }
  }

  Answer send(milliseconds limit) {
    seen_ = 0;
    detail_.front() = '\0';
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limit.count()));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(limit.count()));
    const CURLcode code = curl_easy_perform(handle_.get());
    long status = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
    return as_answer(code, status, detail_.data());
  }

 private:
  template <typename Value>
  void set(CURLoption option, Value value) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): libcurl has no other form
    if (curl_easy_setopt(handle_.get(), option, value) != CURLE_OK) {
      throw JobError(ExitStatus::failed, "libcurl does not know a setting that is needed");
    }
  }

  void add_header(const std::string& line) {
    headers_.reset(curl_slist_append(headers_.release(), line.c_str()));
  }

  const WebhookSettings& settings_;
  const std::string& body_;
  HeaderList headers_;
  CurlHandle handle_;
  std::array<char, CURL_ERROR_SIZE> detail_{};
  std::size_t seen_ = 0;
};

/// Each try gets an equal part of what is left, so that a server which hangs is asked three times.
Answer send_within(Delivery& delivery, milliseconds limit) {
  const Stopwatch since_start;
  const milliseconds pause = limit / kPausesInLimit;
  Answer answer;
  for (int left = kTries; left > 0; --left) {
    const auto rest = limit - std::chrono::duration_cast<milliseconds>(since_start.elapsed());
    const milliseconds part = (rest - pause * (left - 1)) / left;
    if (part < milliseconds{1}) {
      break;
    }
    answer = delivery.send(part);
    if (answer.taken || !answer.again) {
      break;
    }
    if (left > 1) {
      std::this_thread::sleep_for(pause);
    }
  }
  return answer;
}

}  // namespace

void send_webhook(const WebhookSettings& settings,
                  const WebhookMessage& message,
                  const Clock& clock,
                  RunObserver& observer) {
  std::string why;
  try {
    Delivery delivery(settings, message, clock.now());
    const Answer answer = send_within(delivery, settings.time_limit);
    if (answer.taken) {
      observer.note("webhook=" + webhook_place(settings.url) + " taken=true");
      return;
    }
    why = answer.why;
  } catch (const std::exception& error) {
    why = error.what();
  }
  observer.warn("webhook_not_taken: " + webhook_place(settings.url) + ": " + why +
                ": nobody was told this way how the run ended");
}

std::optional<std::string> webhook_secret_fault(const std::filesystem::path& file) {
  try {
    static_cast<void>(read_secret(file));
    return std::nullopt;
  } catch (const JobError& error) {
    return error.what();
  }
}

}  // namespace holdfast
