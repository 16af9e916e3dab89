// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "storage/storage_error.h"

namespace holdfast::testing {

/// Counts the writes of a job and lets one of them fail: from then on all of them, as on a disk
/// that died, or only that one.
class FaultPlan {
 public:
  enum class Lasting { once, for_good };

  FaultPlan() = default;
  explicit FaultPlan(Lasting lasting) : lasting_(lasting) {}
  FaultPlan(int at_write, Lasting lasting) : at_write_(at_write), lasting_(lasting) {}

  void pass(const std::string& what) {
    ++writes_;
    look(what);
    if (writes_ == at_write_ || (writes_ > at_write_ && lasting_ == Lasting::for_good)) {
      throw StorageError(StorageTrouble::full, "the disk is full (" + what + ")");
    }
  }
  /// Lets the write that comes after so many more fail.
  void strike_after(int more) { at_write_ = writes_ + more + 1; }
  /// What is no write, and cannot fail, but may be watched.
  void look(const std::string& what) const {
    if (watch_) {
      watch_(what);
    }
  }
  /// Calls `watch` with the name of every write that is about to be made, and of every reading.
  void watch(std::function<void(const std::string&)> watch) { watch_ = std::move(watch); }
  [[nodiscard]] bool struck() const { return writes_ >= at_write_; }

 private:
  int at_write_ = 1'000'000;
  Lasting lasting_ = Lasting::once;
  int writes_ = 0;
  std::function<void(const std::string&)> watch_;
};

}  // namespace holdfast::testing
