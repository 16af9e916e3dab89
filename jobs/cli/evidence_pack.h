// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include <nlohmann/json.hpp>

namespace holdfast {

/// What a pack is made of.
struct EvidenceDocuments {
  nlohmann::json certificate;
  nlohmann::json runs;
  nlohmann::json policies;
  nlohmann::json catalogue;
  nlohmann::json holds;
  nlohmann::json erasures;
  nlohmann::json exports;
  nlohmann::json exceptions;
  std::string catalogue_url;
};

/// Relative name to bytes of every file of a pack, MANIFEST included: "certificate.html",
/// "runs/run-12.json". The same documents give the same bytes. MANIFEST has a line per other file
/// as sha256sum prints and checks it.
[[nodiscard]] std::map<std::string, std::string> evidence_files(const EvidenceDocuments& documents);

}  // namespace holdfast
