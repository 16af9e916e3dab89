// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/written_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "jobs/cli/descriptor.h"
#include "jobs/digest.h"
#include "jobs/job_error.h"

namespace holdfast {
namespace {

constexpr mode_t kOwnerOnly = 0600;
constexpr mode_t kOwnerAndGroup = 0640;
constexpr mode_t kEverybody = 0644;
constexpr mode_t kFolderMode = 0750;
constexpr std::size_t kNameBytes = 8;  // of chance in the name of a temporary file

mode_t mode_for(Readers readers) {
  switch (readers) {
    case Readers::owner:
      return kOwnerOnly;
    case Readers::group:
    case Readers::group_of_folder:
      return kOwnerAndGroup;
    case Readers::everybody:
      return kEverybody;
  }
  return kOwnerOnly;
}

[[noreturn]] void refuse(const std::filesystem::path& path, const char* what) {
  const std::string why = std::generic_category().message(errno);
  throw JobError(ExitStatus::failed, path.string() + ": " + what + ": " + why);
}

Descriptor open_new(const std::filesystem::path& path) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open(2) has no other form
  Descriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kOwnerOnly));
  if (!file.is_open()) {
    refuse(path, "cannot write a new file there");
  }
  return file;
}

void write_all(const Descriptor& file,
               const std::filesystem::path& path,
               const std::string& bytes,
               Readers readers) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t written = ::write(file.number(), bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno != EINTR) {
      refuse(path, "cannot be written");
    }
    done += written < 0 ? 0 : static_cast<std::size_t>(written);
  }
  // The group may read whatever the umask says: a web server or an auditor is in it.
  if (::fchmod(file.number(), mode_for(readers)) != 0 || ::fsync(file.number()) != 0) {
    refuse(path, "cannot be written");
  }
}

bool give_to_group_of_folder(const Descriptor& file, const std::filesystem::path& path) {
  struct stat folder {};
  const std::filesystem::path place = path.has_parent_path() ? path.parent_path() : ".";
  constexpr uid_t same_owner = static_cast<uid_t>(-1);
  return ::stat(place.c_str(), &folder) == 0 &&
         ::fchown(file.number(), same_owner, folder.st_gid) == 0;
}

}  // namespace

void replace_file(const std::filesystem::path& path, const std::string& bytes, Readers readers) {
  std::filesystem::path fresh = path;
  fresh += ".new-" + random_hex(kNameBytes);
  try {
    write_all(open_new(fresh), fresh, bytes, readers);
    if (std::rename(fresh.c_str(), path.c_str()) != 0) {
      refuse(path, "cannot be put in place");
    }
  } catch (...) {
    ::unlink(fresh.c_str());
    throw;
  }
  sync_folder(path.parent_path());
}

void write_fresh_file(const std::filesystem::path& path,
                      const std::string& bytes,
                      Readers readers) {
  const Descriptor file = open_new(path);
  try {
    if (readers == Readers::group_of_folder && !give_to_group_of_folder(file, path)) {
      readers = Readers::owner;
    }
    write_all(file, path, bytes, readers);
  } catch (...) {
    ::unlink(path.c_str());  // half a file would look like one, and be in the way of the next try
    throw;
  }
}

void require_folder(const std::filesystem::path& folder) {
  if (::mkdir(folder.c_str(), kFolderMode) != 0 && errno != EEXIST) {
    refuse(folder, "cannot be made");
  }
  if (!std::filesystem::is_directory(folder)) {
    errno = ENOTDIR;
    refuse(folder, "cannot be used");
  }
}

void sync_folder(const std::filesystem::path& folder) {
  const std::filesystem::path named = folder.empty() ? "." : folder;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open(2) has no other form
  const Descriptor opened(::open(named.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.is_open() || ::fsync(opened.number()) != 0) {
    refuse(named, "cannot be synced");
  }
}

}  // namespace holdfast
