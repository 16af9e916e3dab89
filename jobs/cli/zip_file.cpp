// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/zip_file.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/types.h>

#include <utility>

#include "jobs/job_error.h"

namespace holdfast {

/// What the library calls with the bytes of the zip.
struct ZipSink {
  static la_ssize_t write(::archive* archive, void* zip, const void* bytes, std::size_t size) {
    auto& self = *static_cast<ZipFile*>(zip);
    try {
      self.sink_({static_cast<const char*>(bytes), size});
      return static_cast<la_ssize_t>(size);
    } catch (...) {
      self.problem_ = std::current_exception();
      archive_set_error(archive, -1, "the file cannot be written");
      return -1;
    }
  }
};

namespace {

constexpr int kPermissions = 0600;

}  // namespace

void ZipFile::Free::operator()(::archive* archive) const noexcept {
  // One that was not closed was given up: nothing more of it may reach the sink.
  (void)archive_write_fail(archive);
  (void)archive_write_free(archive);
}

ZipFile::ZipFile(Sink sink, Instant time)
    : sink_(std::move(sink)), time_(time), archive_(archive_write_new()) {
  if (archive_ == nullptr) {
    throw JobError(ExitStatus::failed, "no zip can be written: out of memory");
  }
  require(archive_write_set_format_zip(archive_.get()));
  // Otherwise the last block is filled up, which is for tapes.
  require(archive_write_set_bytes_in_last_block(archive_.get(), 1));
  require(archive_write_open(archive_.get(), this, nullptr, &ZipSink::write, nullptr));
}

void ZipFile::begin(const std::string& name) {
  struct FreeEntry {
    void operator()(::archive_entry* entry) const noexcept { archive_entry_free(entry); }
  };
  const std::unique_ptr<::archive_entry, FreeEntry> entry(archive_entry_new());
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), kPermissions);
  archive_entry_set_mtime(
      entry.get(), std::chrono::floor<std::chrono::seconds>(time_).time_since_epoch().count(), 0);
  require(archive_write_header(archive_.get(), entry.get()));
  entry_ = {.name = name};
  hash_ = std::make_unique<Sha256>();
}

void ZipFile::append(std::string_view bytes) {
  hash_->update(bytes);
  entry_.bytes += static_cast<std::int64_t>(bytes.size());
  while (!bytes.empty()) {
    const la_ssize_t put = archive_write_data(archive_.get(), bytes.data(), bytes.size());
    if (put <= 0) {
      require(ARCHIVE_FATAL);
    }
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
}

ZipEntry ZipFile::end() {
  require(archive_write_finish_entry(archive_.get()));
  entry_.sha256 = hash_->hex();
  return std::move(entry_);
}

void ZipFile::close() {
  require(archive_write_close(archive_.get()));
}

void ZipFile::require(int result) {
  if (problem_) {
    std::rethrow_exception(std::exchange(problem_, nullptr));
  }
  if (result != ARCHIVE_OK) {
    const char* said = archive_error_string(archive_.get());
    throw JobError(ExitStatus::failed,
                   std::string("the zip cannot be written: ") +
                       (said == nullptr ? "the library does not say why" : said));
  }
}

}  // namespace holdfast
