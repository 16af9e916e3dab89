// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "jobs/digest.h"
#include "policy/instant.h"

struct archive;

namespace holdfast {

/// One file inside a zip, as it was before it was compressed.
struct ZipEntry {
  std::string name;
  std::int64_t bytes = 0;
  std::string sha256;
};

/// A zip that is written piece by piece, whatever its size. The bytes go to the sink in their
/// order. Errors of every call: what the sink throws; JobError(failed).
class ZipFile {
 public:
  using Sink = std::function<void(std::string_view)>;
  /// `time` is that of all entries.
  ZipFile(Sink sink, Instant time);

  /// Begins an entry; the one before has to be ended. The name is plain ASCII.
  void begin(const std::string& name);
  void append(std::string_view bytes);
  ZipEntry end();
  /// Writes the directory of the entries: nothing is a zip before.
  void close();

 private:
  struct Free {
    void operator()(::archive* archive) const noexcept;
  };
  void require(int result);

  Sink sink_;
  Instant time_;
  std::exception_ptr problem_;  // of the sink: it may not pass through the library
  std::unique_ptr<::archive, Free> archive_;
  ZipEntry entry_;
  std::unique_ptr<Sha256> hash_;

  friend struct ZipSink;
};

}  // namespace holdfast
