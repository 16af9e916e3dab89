// SPDX-License-Identifier: Apache-2.0
#include "jobs/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>
#include <thread>

#include "jobs/job_error.h"

namespace holdfast {
namespace {

constexpr mode_t kOwnerOnly = 0600;
constexpr int kTries = 3;
constexpr std::chrono::milliseconds kLookTakes{20};

bool has_room(int descriptor) {
  struct stat state {};
  return ::fstat(descriptor, &state) == 0 && state.st_size >= static_cast<off_t>(kMissedNotesBytes);
}

/// Whoever looks at the lock holds it for the moment of the look: that is no other run. Returns 0,
/// or why it is not taken.
int take(int descriptor) {
  for (int left = kTries; ::flock(descriptor, LOCK_EX | LOCK_NB) != 0; --left) {
    if (errno != EWOULDBLOCK || left == 1) {
      return errno;
    }
    std::this_thread::sleep_for(kLookTakes);
  }
  return 0;
}

/// Opens the file, and makes it where there is none: as root for the owner of the database, as
/// SQLite does with its own files, because the next run may be that user's.
int open_or_make(const std::filesystem::path& file, const std::filesystem::path& database) {
  constexpr int how = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open(2) has no other form
  const int made = ::open(file.c_str(), how | O_CREAT | O_EXCL, kOwnerOnly);
  if (made < 0) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open(2) has no other form
    return errno == EEXIST ? ::open(file.c_str(), how) : made;
  }
  struct stat facts {};
  if (::geteuid() == 0 && (::stat(database.c_str(), &facts) == 0 ||
                           ::stat(database.parent_path().c_str(), &facts) == 0)) {
    // Root's until then: whoever meets it is told whose it is.
    [[maybe_unused]] const int given = ::fchown(made, facts.st_uid, facts.st_gid);
  }
  return made;
}

std::string why_not_open(const std::filesystem::path& file, int reason) {
  const std::string sentence =
      file.string() + ": cannot make the run lock (" + std::generic_category().message(reason);
  struct stat facts {};
  if (reason == EACCES && ::lstat(file.c_str(), &facts) == 0) {
    return sentence + "): it belongs to user " + std::to_string(facts.st_uid) +
           ", who has run holdfast here before: run it as that user, or chown the file";
  }
  if (reason == EROFS) {
    return sentence +
           "): under systemd name the folder of the database in ReadWritePaths= of a "
           "drop-in, see database-elsewhere.conf of the package's examples";
  }
  return sentence + (reason == ENOENT
                         ? "): the folder of the database is not there: check [database].path"
                         : "): the folder of the database must be writable for whoever runs "
                           "holdfast");
}

std::vector<MissedRun> notes_in(int descriptor) {
  std::string notes(kMissedNotesBytes, '\0');
  const ssize_t length = ::pread(descriptor, notes.data(), notes.size(), 0);
  notes.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  return read_missed(notes);
}

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
  descriptor_ = open_or_make(file, database);
  if (descriptor_ < 0) {
    throw JobError(ExitStatus::failed, why_not_open(file, errno));
  }
  if (const int reason = take(descriptor_); reason != 0) {
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
  if (!has_room(descriptor_)) {
    // Where the disk is full already there is no room for notes, and the lock is as good without.
    (void)write_notes({});
  }
}

std::vector<MissedRun> RunLock::missed() const {
  return notes_in(descriptor_);
}

std::optional<LockLook> RunLock::look_at(const std::filesystem::path& database) {
  // O_NONBLOCK, because opening a pipe would wait for ever.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open(2) has no other form
  const int descriptor =
      ::open(file_for(database).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) {
    return std::nullopt;
  }
  struct stat facts {};
  std::optional<LockLook> look;
  if (::fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode)) {
    // Shared, because that needs no right to write; closing gives it back. A lock that cannot be
    // asked counts as taken.
    look = LockLook{.taken = ::flock(descriptor, LOCK_SH | LOCK_NB) != 0,
                    .missed = notes_in(descriptor)};
  }
  ::close(descriptor);
  return look;
}

bool RunLock::note_missed(const MissedRun& run) {
  std::vector<MissedRun> runs = missed();
  runs.push_back(run);
  return write_notes(runs);
}

bool RunLock::forget_missed() {
  return write_notes({});
}

bool RunLock::write_notes(const std::vector<MissedRun>& runs) {
  const std::string notes = write_missed(runs);
  return ::pwrite(descriptor_, notes.data(), notes.size(), 0) ==
             static_cast<ssize_t>(notes.size()) &&
         ::fdatasync(descriptor_) == 0;
}

// The file stays: removing it would let a second run lock a new one while a third holds the old.
RunLock::~RunLock() {
  ::close(descriptor_);
}

}  // namespace holdfast
