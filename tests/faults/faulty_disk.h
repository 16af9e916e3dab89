// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace holdfast::testing {

/// What a program does to a disk. `look` asks for sizes and names, `remove` takes a name away.
enum class Act { read, look, write, sync, truncate, remove, open, lock };

/// What goes wrong. `torn` writes the first half and fails; `full` does so for want of room.
enum class FaultKind { none, read, write, torn, sync, truncate, open, lock, full, power };

/// What a power cut leaves of that which was not synced. `some`: whole sectors of 512 bytes, drawn.
/// `everything` is what a kill leaves.
enum class Survival { nothing, some, everything };

/// One fault: at the act with this number, counted from 1 among those that it can strike.
struct Fault {
  FaultKind kind = FaultKind::none;
  std::int64_t strikes_at = 0;
  bool lasting = false;  ///< and at every such act from then on; a power cut always is
};

/// What an act is told.
enum class Verdict { go_on, refuse, half };

/// The disk of one test: it counts the acts that it is told of, lets one of them fail, and knows
/// what of each file was synced and which changes came after.
class FaultyDisk {
 public:
  /// A write, or where the file was cut: then `bytes` is empty and `cuts` is set.
  struct Change {
    std::int64_t offset = 0;
    std::string bytes;
    bool cuts = false;
  };
  struct File {
    std::filesystem::path path;
    std::string synced;
    std::vector<Change> since;
  };

  [[nodiscard]] static FaultyDisk& the();

  /// Begins anew: what is in the folder now is on the disk.
  void insert(const std::filesystem::path& folder);
  /// Counts from 1 again.
  void arm(const Fault& fault);
  void disarm() { arm({}); }
  [[nodiscard]] bool struck() const;
  [[nodiscard]] bool power_lost() const;
  /// How many acts there were since it was armed that a fault of this kind could strike.
  [[nodiscard]] std::int64_t met(FaultKind kind) const;
  /// How many acts there were since then in other threads than the one that armed it.
  [[nodiscard]] std::int64_t met_elsewhere() const;
  /// Puts into the folder what a power cut leaves of it, drawn from `seed`.
  void restart(Survival survival, std::uint64_t seed);

  // Told by those who work with files of the folder.
  [[nodiscard]] Verdict pass(Act act);
  [[nodiscard]] FaultKind armed() const;
  /// Null where the file is none of the folder.
  [[nodiscard]] std::shared_ptr<File> opened(const std::filesystem::path& path);
  void wrote(File& file, std::int64_t offset, std::string_view bytes);
  void cut(File& file, std::int64_t size);
  void synced(File& file);
  void replaced(const std::filesystem::path& path, std::string_view bytes);
  void removed(const std::filesystem::path& path);
  /// The names of a folder are on the disk.
  void names_synced(const std::filesystem::path& folder);

 private:
  using Names = std::map<std::filesystem::path, std::shared_ptr<File>>;

  [[nodiscard]] bool inside(const std::filesystem::path& path) const;

  mutable std::mutex mutex_;
  std::filesystem::path folder_;
  std::set<std::filesystem::path> first_names_;
  Names names_;         // as programs see them
  Names synced_names_;  // as a power cut leaves them
  Fault fault_;
  std::map<Act, std::int64_t> passed_;
  std::int64_t met_ = 0;  // of those that the armed fault can strike
  bool struck_ = false;
  std::thread::id armed_in_;
  std::int64_t elsewhere_ = 0;
};

}  // namespace holdfast::testing
