// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace holdfast {

/// One row of a copy: a value per column, as export_value() makes them.
using ExportRow = std::vector<nlohmann::json>;
using ExportVisit = std::function<void(const ExportRow&)>;

/// One table of a copy.
struct ExportTable {
  std::string title;   ///< "crm: contacts", "audit log"
  std::string module;  ///< of [[erasure.module]]; empty for audit rows
  std::string table;   ///< as the database calls it
  std::string entry;   ///< name inside the zip without its end: "tables/01-crm-contacts"
  std::vector<std::string> columns;
  std::vector<std::string> withheld;  ///< of the table's columns: whom they name nobody has said
  /// Visits every row. May be called again, and visits the same rows then.
  std::function<void(const ExportVisit&)> each_row;
};

/// Everything that is to go into a copy.
struct ExportContents {
  nlohmann::json head;  ///< what the manifest says beside the files: whose, when, until when
  std::vector<ExportTable> tables;
};

/// A copy that was written.
struct WrittenExport {
  std::int64_t bytes = 0;
  std::string sha256;
  std::int64_t rows = 0;  ///< of all tables
};

/// What the register says of the file of a copy.
struct ExportFile {
  std::string name;
  std::int64_t bytes = 0;
  std::string sha256;
};

/// A copy on its way to whoever fetches it: all of it is written, and not there yet under its name.
/// Leaving the scope without put_in_place() takes it back.
class HandedExport {
 public:
  HandedExport() = default;
  HandedExport(const HandedExport&) = delete;
  HandedExport& operator=(const HandedExport&) = delete;
  HandedExport(HandedExport&&) = delete;
  HandedExport& operator=(HandedExport&&) = delete;
  virtual ~HandedExport() = default;
  /// Errors: JobError(failed), also where something has the name by now.
  virtual void put_in_place() = 0;
};

/// The folder of the copies. Names are those of files in it, without a folder. Errors of every
/// call: JobError(failed) where the system refuses.
class ExportStore {
 public:
  ExportStore() = default;
  ExportStore(const ExportStore&) = delete;
  ExportStore& operator=(const ExportStore&) = delete;
  ExportStore(ExportStore&&) = delete;
  ExportStore& operator=(ExportStore&&) = delete;
  virtual ~ExportStore() = default;

  /// As it is written in messages.
  [[nodiscard]] virtual std::string folder() const = 0;
  /// Writes a copy, readable by its owner alone. Under its name there is nothing, or all of it,
  /// synced; what has the name already, from a crash, is replaced.
  [[nodiscard]] virtual WrittenExport write(const std::string& name,
                                            const ExportContents& contents) = 0;
  /// Copies the file to a path that must be free, and compares its bytes with what the register
  /// says. Errors: also where the file is missing or another one.
  [[nodiscard]] virtual std::unique_ptr<HandedExport> hand_out(const ExportFile& file,
                                                               const std::string& to) = 0;
  /// Why the file cannot be handed out, as a sentence; empty where it is there with this size.
  [[nodiscard]] virtual std::string fault(const ExportFile& file) = 0;
  /// Every file of the folder, sorted.
  [[nodiscard]] virtual std::vector<std::string> names() = 0;
  /// Returns false where there is no such file.
  virtual bool remove(const std::string& name) = 0;
};

}  // namespace holdfast
