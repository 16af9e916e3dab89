// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string_view>

#include "jobs/cli/descriptor.h"

namespace holdfast {

/// A new file, readable by its owner alone, that has no name before it is whole: a crash leaves
/// nothing. Where the file system cannot do that it has the name ".NAME.new-…" until then.
/// Leaving the scope without put_in_place() takes it back. Errors of every call: JobError(failed).
class FreshFile {
 public:
  /// Errors: also where something has the name already; a link is something.
  explicit FreshFile(std::filesystem::path path);
  FreshFile(const FreshFile&) = delete;
  FreshFile& operator=(const FreshFile&) = delete;
  FreshFile(FreshFile&&) = delete;
  FreshFile& operator=(FreshFile&&) = delete;
  ~FreshFile();

  void append(std::string_view bytes);
  /// Syncs it and gives it its name; never replaces anything.
  void put_in_place();

 private:
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_;
  std::filesystem::path draft_;  // empty: the file has no name
  Descriptor file_;
};

}  // namespace holdfast
