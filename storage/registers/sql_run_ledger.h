// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/registers/register_query.h"
#include "storage/run_ledger.h"

namespace holdfast {

/// The ledger of runs in holdfast_run, holdfast_run_slice and holdfast_clock.
class SqlRunLedger final : public RunLedger {
 public:
  explicit SqlRunLedger(const RegisterHome& home);

  std::int64_t open(const RunOpening& opening) override;
  void enter_phase(std::int64_t run, const std::string& phase) override;
  void add_slice(const RunSlice& slice) override;
  /// Errors: StorageError where the line is not there or closed already.
  void close(std::int64_t run, const RunClosing& closing) override;

  [[nodiscard]] std::vector<RunLine> left_open() override;
  [[nodiscard]] std::optional<RunLine> find(std::int64_t run) override;
  [[nodiscard]] std::optional<RunLine> last() override;
  [[nodiscard]] std::vector<RunLine> newest(std::int64_t most) override;
  [[nodiscard]] std::optional<RunLine> last_success() override;
  [[nodiscard]] std::vector<RunSlice> slices(std::int64_t run) override;
  [[nodiscard]] std::vector<std::int64_t> archived_runs() override;
  [[nodiscard]] std::vector<RowKey> slice_keys(std::int64_t run, std::int64_t number) override;
  [[nodiscard]] std::string stored_keys(std::int64_t run, std::int64_t number) override;
  [[nodiscard]] std::optional<RunSlice> slice_that_deleted(const RowKey& key) override;
  [[nodiscard]] std::optional<RunSlice> slice_that_deleted(const std::string& typed) override;

  [[nodiscard]] std::string last_hash() override;
  [[nodiscard]] std::string salt(std::int64_t run) override;
  std::int64_t destroy_salts(Instant opened_before) override;
  void destroy_salt(std::int64_t run) override;
  void add_lost(const RunLine& line) override;

  [[nodiscard]] std::optional<RunClock> last_clock() override;
  void store_clock(const RunClock& clock, const std::string& source) override;

 private:
  RegisterHome home_;
  RegisterQuery add_slice_;
};

}  // namespace holdfast
