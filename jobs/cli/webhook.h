// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "jobs/clock.h"
#include "jobs/run_observer.h"
#include "jobs/settings.h"

namespace holdfast {

/// What is sent: the body has the number of its delivery too, so that the signature covers it.
struct WebhookMessage {
  std::string delivery;
  std::string body;
};

/// Sends a body by POST to the address of [webhook], signed: X-Holdfast-Timestamp has the seconds
/// since 1970, X-Holdfast-Signature "sha256=" and the hex of HMAC-SHA-256(secret, timestamp "."
/// body), X-Holdfast-Delivery the number that all tries share. Up to three tries within the
/// time limit; a 2xx is an answer that took it, another 4xx or a redirect ends the tries. The
/// server's certificate is verified and no redirect is followed. A failure is warned about and
/// changes nothing else. Never throws, never takes longer than the limit.
void send_webhook(const WebhookSettings& settings,
                  const WebhookMessage& message,
                  const Clock& clock,
                  RunObserver& observer);

/// Why nothing can be signed with this file, as a whole sentence; none where something can.
[[nodiscard]] std::optional<std::string> webhook_secret_fault(const std::filesystem::path& file);

}  // namespace holdfast
