// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/erasure_request.h"
#include "policy/instant.h"

namespace holdfast {

/// Where the copy of a person's data stands.
enum class ExportState { requested, ready, destroyed };

/// "requested", "ready", "destroyed": as register, JSON and records spell them.
[[nodiscard]] std::string_view to_token(ExportState state);
[[nodiscard]] std::optional<ExportState> parse_export_state(std::string_view token);

/// One request for a copy, as the register keeps it.
struct ExportRequest {
  std::int64_t id = 0;
  std::optional<std::string> tenant;
  std::string subject;  ///< the person's id; from their erasure on the token that stands for it
  ExportState state = ExportState::requested;
  std::string requested_by;
  Instant requested_at;
  std::string made_by;
  std::optional<Instant> made_at;
  std::optional<Instant> expires_at;  ///< of a ready one: it is handed out before this instant
  std::string file;                   ///< name in [export].directory; empty before it was made
  std::int64_t bytes = 0;
  std::string sha256;  ///< of the file, lower-case hex
  std::int64_t rows = 0;
  std::int64_t downloads = 0;
  std::optional<Instant> downloaded_at;  ///< the last time
  std::string ended_by;
  std::optional<Instant> ended_at;
  std::string end_reason;  ///< "command", "expired" or "erased"
};

/// True from the end of its keep on; only a copy that was made expires.
[[nodiscard]] bool is_expired(const ExportRequest& request, Instant guard_now);

/// True while somebody is still to get the copy: it is requested, or ready and neither downloaded
/// nor expired. A subject has one such request per tenant, and an erasure waits for it.
[[nodiscard]] bool is_open(const ExportRequest& request, Instant guard_now);

/// What somebody wants to do with a copy. `expire` is the nightly run's, `erase` that of a
/// completed erasure of the subject.
enum class ExportDeed { request, make, download, destroy, expire, erase };

/// Who acts, and when.
struct ExportFacts {
  bool administrator = false;  ///< of every policy version in force
  bool is_subject = false;
  bool trusted_service = false;  ///< may act in a subject's name
  bool nightly = false;          ///< the nightly run, in nobody's name
  Instant guard_now;             ///< min(run clock, system now)
};

/// What became of a deed.
struct ExportStep {
  enum class Kind {
    refused,    ///< not allowed, or not in this state: no audit row
    unchanged,  ///< nothing to do, and that is an answer
    done        ///< the line is to be stored, with the audit row where there is one
  };
  Kind kind = Kind::refused;
  int line = 0;  ///< of the table in policy/README.md; 0 where it has no line
  ExportState state = ExportState::requested;  ///< afterwards
  std::string reason;      ///< of a refusal or of nothing to do: "not_ready", "expired"
  std::string end_reason;  ///< where the copy is destroyed
  std::vector<ErasureEvent> events;
};

/// The states of a copy: what `deed` does to `request`; for ExportDeed::request that is the newest
/// one of the subject in the tenant, null where there is none. What the table does not have is
/// refused. Never throws. Source: the table of exports in policy/README.md.
[[nodiscard]] ExportStep step_export(const ExportRequest* request,
                                     ExportDeed deed,
                                     const ExportFacts& facts);

}  // namespace holdfast
