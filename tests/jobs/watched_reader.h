// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "jobs/second_connection.h"
#include "tests/jobs/failing_database.h"
#include "tests/jobs/job_world.h"

namespace holdfast::testing {

/// What a connection did, by name; told by any thread.
class Deeds {
 public:
  /// Calls `deed` when it does `what`.
  void watch(FaultPlan& plan, const std::string& what, std::function<void()> deed) {
    plan.watch([this, what, deed = std::move(deed)](const std::string& done) {
      {
        const std::lock_guard lock{mutex_};
        ++times_[done];
      }
      if (done == what) {
        deed();
      }
    });
  }
  void watch(FaultPlan& plan) {
    watch(plan, "", [] {});
  }
  [[nodiscard]] int count(const std::string& what) const {
    const std::lock_guard lock{mutex_};
    const auto found = times_.find(what);
    return found == times_.end() ? 0 : found->second;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, int> times_;
};

/// A second connection that is watched.
class WatchedReader {
 public:
  explicit WatchedReader(const JobWorld& world) : world_(world) { deeds_.watch(watched_); }

  /// Opens it as a run would.
  [[nodiscard]] OpenReader opener() {
    return [this]() -> std::unique_ptr<Database> {
      OpenOptions options = world_.options();
      options.read_only = true;
      real_ = open_sqlite(options);
      return std::make_unique<Closing>(*this);
    };
  }
  void when(const std::string& what, std::function<void()> deed) {
    deeds_.watch(watched_, what, std::move(deed));
  }
  [[nodiscard]] int count(const std::string& what) const { return deeds_.count(what); }

 private:
  /// Takes the real connection with it when it is closed.
  class Closing final : public FailingDatabase {
   public:
    explicit Closing(WatchedReader& owner)
        : FailingDatabase(*owner.real_, owner.watched_), owner_(owner) {}
    Closing(const Closing&) = delete;
    Closing& operator=(const Closing&) = delete;
    Closing(Closing&&) = delete;
    Closing& operator=(Closing&&) = delete;
    ~Closing() override { owner_.real_.reset(); }

   private:
    WatchedReader& owner_;
  };

  const JobWorld& world_;
  std::unique_ptr<Database> real_;
  FaultPlan watched_;
  Deeds deeds_;
};

}  // namespace holdfast::testing
