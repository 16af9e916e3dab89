// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/erasure_register.h"
#include "storage/registers/register_query.h"

namespace holdfast {

/// The register of erasures in holdfast_erasure and the tables beside it.
class SqlErasureRegister final : public ErasureRegister {
 public:
  explicit SqlErasureRegister(const RegisterHome& home) : home_(home) {}

  std::int64_t open(const ErasureRequest& request) override;
  void store(const ErasureRequest& request) override;
  [[nodiscard]] std::optional<ErasureRequest> find(std::int64_t id) override;
  [[nodiscard]] std::optional<ErasureRequest> find_open(const Subject& subject) override;
  [[nodiscard]] std::optional<ErasureRequest> find_newest(const Subject& subject) override;
  [[nodiscard]] std::vector<ErasureRequest> all() override;

  void add_attempt(const ErasureAttempt& attempt) override;
  [[nodiscard]] std::vector<ErasureAttempt> attempts(std::int64_t erasure) override;
  void rename_in_attempts(std::int64_t erasure,
                          const std::string& name,
                          const std::string& token) override;

  /// Errors: StorageError where the request has a receipt already: a request is completed once.
  void store_receipt(std::int64_t erasure,
                     const std::string& receipt,
                     const std::vector<RowKey>& deleted) override;
  [[nodiscard]] std::optional<std::string> receipt(std::int64_t erasure) override;
  [[nodiscard]] std::vector<RowKey> deleted_keys(std::int64_t erasure) override;
  [[nodiscard]] std::optional<std::int64_t> erasure_that_deleted(const std::string& typed) override;

  [[nodiscard]] std::vector<ErasureKeyLine> keys() override;
  std::int64_t add_key(const ErasureKeyLine& key) override;
  [[nodiscard]] bool forget_key(std::int64_t id, const Signature& by) override;

 private:
  RegisterHome home_;
};

}  // namespace holdfast
