// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "storage/registers/register_query.h"
#include "storage/witness_outbox.h"

namespace holdfast {

/// The outbox of the witness file in holdfast_witness.
class SqlWitnessOutbox final : public WitnessOutbox {
 public:
  explicit SqlWitnessOutbox(const RegisterHome& home);

  void add(const WitnessLine& line) override;
  void replace_text(std::int64_t seq, const std::string& line) override;
  [[nodiscard]] std::optional<WitnessLine> last() override;
  [[nodiscard]] std::optional<WitnessLine> find(std::int64_t seq) override;
  void for_each(std::int64_t after, const std::function<void(WitnessLine&&)>& visit) override;
  [[nodiscard]] std::vector<WitnessLine> since(std::int64_t seq) override;

 private:
  RegisterHome home_;
  // Kept ready: a run may meet 100,000 holds that were placed with another program.
  RegisterQuery add_;
  RegisterQuery last_;
  RegisterQuery find_;
};

}  // namespace holdfast
