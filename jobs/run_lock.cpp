// SPDX-License-Identifier: Apache-2.0
#include "jobs/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "jobs/job_error.h"

namespace holdfast {
namespace {

constexpr mode_t kOwnerOnly = 0600;

}  // namespace

std::filesystem::path RunLock::file_for(const std::filesystem::path& database) {
  std::error_code ignored;  // a path that cannot be resolved is used as it is written
  const std::filesystem::path real = std::filesystem::weakly_canonical(database, ignored);
  std::filesystem::path file = real.empty() ? database : real;
  file += ".holdfast-lock";
  return file;
}

RunLock::RunLock(const std::filesystem::path& database) {
  const std::filesystem::path file = file_for(database);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open(2) has no other form
  descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kOwnerOnly);
  if (descriptor_ < 0) {
    throw JobError(ExitStatus::failed,
                   file.string() + ": cannot make the run lock (" +
                       std::generic_category().message(errno) +
                       "): the folder of the database must be writable for whoever runs holdfast");
  }
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    ::close(descriptor_);
    if (reason == EWOULDBLOCK) {
      throw JobError(
          ExitStatus::another_run,
          database.string() +
              ": another run holds the lock; that run is the one that counts, nothing was "
              "done here");
    }
    throw JobError(
        ExitStatus::failed,
        file.string() + ": cannot lock (" + std::generic_category().message(reason) + ")");
  }
}

// The file stays: removing it would let a second run lock a new one while a third holds the old.
RunLock::~RunLock() {
  ::close(descriptor_);
}

}  // namespace holdfast
