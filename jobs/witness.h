// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/witness_line.h"
#include "storage/database.h"

namespace holdfast {

/// What a witness holds, line by line, unread.
struct WitnessText {
  bool exists = false;
  std::vector<std::string> lines;  ///< whole ones, without their ends
  bool torn = false;               ///< a last line without its end follows: a crash cut it off
  std::string fingerprint;         ///< SHA-256 of all its bytes; empty where nobody has asked
  bool as_before = false;          ///< it has the fingerprint that was asked for: no lines are told
};

/// The file outside the database that a restored backup does not take back.
class Witness {
 public:
  /// Told what is there, it says which lines are to follow.
  using Lacking = std::function<std::vector<std::string>(WitnessText)>;

  Witness() = default;
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  Witness(Witness&&) = delete;
  Witness& operator=(Witness&&) = delete;
  virtual ~Witness() = default;

  /// What a message calls it.
  [[nodiscard]] virtual std::string name() const = 0;
  /// Everything that is there; nothing where there is no file. Errors: JobError where it cannot be
  /// read, is a link or no file, belongs to somebody else, or others may read or write it.
  [[nodiscard]] virtual WitnessText read() = 0;
  /// Makes an empty one where there is none, synced with its folder. Errors: JobError.
  virtual void begin() = 0;
  /// Appends what `lacking` asks for and syncs it, while no other process can append; a torn last
  /// line is cut off first. Where all that is there has the fingerprint `known`, it is not told
  /// line by line. Errors: JobError, also where there is no file; then nothing was added.
  virtual void append(const std::string& known, const Lacking& lacking) = 0;
  /// Puts a new one with these lines in its place; returns where the old one is kept, "" where
  /// there was none. Errors: JobError.
  virtual std::string replace(const std::vector<std::string>& lines) = 0;
};

/// How file and database stand to each other.
enum class WitnessState {
  in_step,
  repaired,  ///< the database is ahead: lines that the file lacks are in the outbox
  restored_backup,
  differs,
  missing,
  damaged,
  another_database,
  unreadable
};

/// "in_step", "repaired", "restored_backup", "witness_differs" and so on.
[[nodiscard]] std::string_view to_token(WitnessState state);

/// What comparing them gave.
struct WitnessComparison {
  WitnessState state = WitnessState::in_step;
  std::int64_t line = 0;             ///< the first that is damaged or differs; 0: none
  std::int64_t in_file = 0;          ///< number of the file's last line whose chain holds
  std::string last_hash;             ///< the hash of that line; empty where there is none
  std::string fingerprint;           ///< of the file, where read() has told it
  std::int64_t in_database = 0;      ///< number of the outbox's last line
  bool file_exists = false;          ///< false and in step: both are still to begin
  std::vector<WitnessLine> lines;    ///< of the file, as far as their chain holds
  std::vector<WitnessLine> lost;     ///< lines of the file that the database does not know
  std::vector<WitnessLine> lacking;  ///< lines of the database that the file does not have
  std::string sentence;              ///< what is wrong and what to type; empty where they agree

  [[nodiscard]] bool agrees() const {
    return state == WitnessState::in_step || state == WitnessState::repaired;
  }
};

/// Compares what was read with the outbox as it is now: read the file first, because it never is
/// ahead of what is committed. `name` is the file's.
[[nodiscard]] WitnessComparison compare_witness(Database& database,
                                                WitnessText text,
                                                const std::string& name);
/// Reads and compares; a file that cannot be read is `unreadable`. Call it outside a transaction.
[[nodiscard]] WitnessComparison compare_witness(Database& database, Witness& witness);

/// The number of the first line of the outbox that is missing, does not give its own hash with what
/// it says, or has another one than the file's line; 0: none. A comparison asks for the last line
/// that both have, because the hashes hang together; this asks for each, so that a table that was
/// written to is found out.
[[nodiscard]] std::int64_t first_rewritten_line(WitnessOutbox& outbox,
                                                const std::vector<WitnessLine>& file);

/// Adds a line to the outbox, and before the very first one the line that names the database. Call
/// inside the write that the line speaks of.
void witness_note(Database& database, const WitnessNote& note);

/// Appends to the file what it lacks. Call it after the commit. `before` is what comparing them
/// gave the last time: a file that is as it was then, byte for byte, is not read line by line
/// again. Errors: JobError.
void flush_witness(Database& database, Witness& witness, const WitnessComparison& before = {});

}  // namespace holdfast
