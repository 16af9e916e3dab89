// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/fresh_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "jobs/cli/written_file.h"
#include "jobs/digest.h"
#include "jobs/job_error.h"

namespace holdfast {
namespace {

constexpr mode_t kOwnerOnly = 0600;
constexpr std::size_t kNameBytes = 8;  // of chance in the name of a draft
constexpr const char* kOpenFiles = "/proc/self/fd";

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace

FreshFile::FreshFile(std::filesystem::path path) : path_(std::move(path)) {
  struct stat there {};
  if (::lstat(path_.c_str(), &there) == 0) {
    errno = EEXIST;
    fail("cannot write a new file there");
  }
  const std::filesystem::path folder = folder_of(path_);
  if (::access(kOpenFiles, X_OK) == 0) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open(2) has no other form
    file_ = Descriptor(::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, kOwnerOnly));
  }
  if (!file_.is_open()) {
    draft_ = folder / ("." + path_.filename().string() + ".new-" + random_hex(kNameBytes));
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open(2) has no other form
    file_ = Descriptor(
        ::open(draft_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kOwnerOnly));
  }
  if (!file_.is_open()) {
    draft_.clear();
    fail("cannot write a new file there");
  }
}

FreshFile::~FreshFile() {
  if (!draft_.empty()) {
    ::unlink(draft_.c_str());  // where that fails the next run removes it
  }
}

void FreshFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(file_.number(), bytes.data(), bytes.size());
    if (put < 0 && errno != EINTR) {
      fail("cannot be written");
    }
    bytes.remove_prefix(put > 0 ? static_cast<std::size_t>(put) : 0);
  }
}

void FreshFile::put_in_place() {
  if (::fchmod(file_.number(), kOwnerOnly) != 0 || ::fsync(file_.number()) != 0) {
    fail("cannot be written");
  }
  const std::string name = draft_.empty()
                               ? std::string(kOpenFiles) + "/" + std::to_string(file_.number())
                               : draft_.string();
  const int how = draft_.empty() ? AT_SYMLINK_FOLLOW : 0;
  if (::linkat(AT_FDCWD, name.c_str(), AT_FDCWD, path_.c_str(), how) != 0) {
    fail("cannot be put in place");
  }
  if (!draft_.empty()) {
    ::unlink(draft_.c_str());
    draft_.clear();
  }
  sync_folder(folder_of(path_));
}

void FreshFile::fail(const char* what) const {
  const std::string why = std::generic_category().message(errno);
  throw JobError(ExitStatus::failed, path_.string() + ": " + what + ": " + why);
}

}  // namespace holdfast
