// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/archive_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "jobs/cli/descriptor.h"

namespace holdfast {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kFileMode = 0600;
constexpr std::size_t kProbeBytes = 4096;  // a full disk often still takes an empty file

/// What the system said about the last call.
std::string last_error() {
  return std::generic_category().message(errno);
}

[[noreturn]] void fail(const fs::path& path, const std::string& what) {
  throw ArchiveError(path.string() + ": " + what);
}

void write_all(const Descriptor& opened, const fs::path& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(opened.number(), bytes.data(), bytes.size());
    if (put < 0 && errno != EINTR) {
      fail(path, "cannot be written: " + last_error());
    }
    bytes.remove_prefix(put > 0 ? static_cast<std::size_t>(put) : 0);
  }
}

void sync_or_fail(const Descriptor& opened, const fs::path& path) {
  if (::fsync(opened.number()) != 0) {
    fail(path, "cannot be synced to the disk: " + last_error());
  }
}

Descriptor open_folder(const fs::path& folder) {
  Descriptor opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!opened.is_open()) {
    fail(folder,
         (errno == ENOTDIR ? "is no folder"
                           : "the folder of the archives cannot be opened: " + last_error()) +
             "; make it, or set [archive].directory right");
  }
  return opened;
}

class OpenFile final : public ArchiveFile {
 public:
  OpenFile(Descriptor opened, fs::path path) : opened_(std::move(opened)), path_(std::move(path)) {}

  [[nodiscard]] std::int64_t size() override {
    struct stat facts {};
    if (::fstat(opened_.number(), &facts) != 0) {
      fail(path_, "cannot be looked at: " + last_error());
    }
    return facts.st_size;
  }
  void append(std::string_view bytes) override { write_all(opened_, path_, bytes); }
  [[nodiscard]] std::string read(std::int64_t offset, std::int64_t most) override {
    const std::int64_t there = std::max<std::int64_t>(size() - offset, 0);
    std::string bytes(static_cast<std::size_t>(std::min(most, there)), '\0');
    std::size_t count = 0;
    while (count < bytes.size()) {
      const ssize_t got = ::pread(opened_.number(),
                                  bytes.data() + count,
                                  bytes.size() - count,
                                  offset + static_cast<std::int64_t>(count));
      if (got == 0) {
        break;
      }
      if (got < 0 && errno != EINTR) {
        fail(path_, "cannot be read: " + last_error());
      }
      count += got > 0 ? static_cast<std::size_t>(got) : 0;
    }
    bytes.resize(count);
    return bytes;
  }
  void truncate(std::int64_t bytes) override {
    if (::ftruncate(opened_.number(), bytes) != 0) {
      fail(path_, "cannot be cut: " + last_error());
    }
  }
  void sync() override { sync_or_fail(opened_, path_); }
  void require_in_place() override {
    struct stat opened {};
    struct stat named {};
    if (::fstat(opened_.number(), &opened) != 0 || ::lstat(path_.c_str(), &named) != 0) {
      fail(path_, "is no longer there: " + last_error());
    }
    if (opened.st_dev != named.st_dev || opened.st_ino != named.st_ino || opened.st_nlink != 1) {
      fail(path_, "was replaced while it was written, or got a second name");
    }
  }

 private:
  Descriptor opened_;
  fs::path path_;
};

/// A new file of the folder; not open where it cannot be made, and errno says why.
Descriptor make_file(const Descriptor& folder, const std::string& name) {
  Descriptor made{::openat(folder.number(),
                           name.c_str(),
                           O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                           kFileMode)};
  if (made.is_open() && ::fchmod(made.number(), kFileMode) != 0) {
    made.close();
  }
  return made;
}

}  // namespace

std::string ArchiveFiles::fault() {
  const std::string name = ".holdfast-probe-" + std::to_string(::getpid());
  const fs::path path = folder_ / name;
  try {
    const Descriptor folder = open_folder(folder_);
    const Descriptor probe = make_file(folder, name);
    if (!probe.is_open()) {
      return path.string() + ": no file can be made in the folder of the archives: " + last_error();
    }
    // Its name goes before it is written, so that a kill leaves nothing behind.
    if (::unlinkat(folder.number(), name.c_str(), 0) != 0) {
      return path.string() + ": cannot be removed again: " + last_error();
    }
    write_all(probe, path, std::string(kProbeBytes, '\0'));
    return {};
  } catch (const ArchiveError& error) {
    return error.what();
  }
}

std::vector<std::string> ArchiveFiles::names() {
  std::vector<std::string> found;
  std::error_code problem;
  fs::directory_iterator entries(folder_, problem);
  for (; !problem && entries != fs::directory_iterator{}; entries.increment(problem)) {
    found.push_back(entries->path().filename().string());
  }
  if (problem) {
    fail(folder_, "the folder of the archives cannot be read: " + problem.message());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::unique_ptr<ArchiveFile> ArchiveFiles::open(const std::string& name, ArchiveUse use) {
  const fs::path path = folder_ / name;
  const int how = use == ArchiveUse::reading ? O_RDONLY : O_RDWR | O_APPEND;
  // O_NONBLOCK, because opening a pipe would wait for ever.
  Descriptor opened{::open(path.c_str(), how | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
  if (!opened.is_open()) {
    if (errno == ENOENT) {
      return nullptr;
    }
    fail(path,
         errno == ELOOP ? "is a link: put the file itself in its place"
                        : "cannot be opened: " + last_error());
  }
  struct stat facts {};
  if (::fstat(opened.number(), &facts) != 0) {
    fail(path, "cannot be looked at: " + last_error());
  }
  if (!S_ISREG(facts.st_mode) || facts.st_nlink != 1) {
    fail(path, "is no file, or has a second name by a hard link: leave one name only");
  }
  return std::make_unique<OpenFile>(std::move(opened), path);
}

std::unique_ptr<ArchiveFile> ArchiveFiles::create(const std::string& name) {
  const fs::path path = folder_ / name;
  Descriptor made = make_file(open_folder(folder_), name);
  if (!made.is_open()) {
    fail(path,
         errno == EEXIST ? "is there already, and an archive is never replaced: it is of another "
                           "database, or of a newer state of this one; move it away"
                         : "cannot be made: " + last_error());
  }
  return std::make_unique<OpenFile>(std::move(made), path);
}

void ArchiveFiles::replace(const std::string& name, std::string_view bytes) {
  const Descriptor folder = open_folder(folder_);
  const std::string draft = "." + name + ".new";
  const fs::path path = folder_ / draft;
  // What an earlier attempt left there was never finished.
  (void)::unlinkat(folder.number(), draft.c_str(), 0);
  const Descriptor made = make_file(folder, draft);
  if (!made.is_open()) {
    fail(path, "cannot be made: " + last_error());
  }
  try {
    write_all(made, path, bytes);
    sync_or_fail(made, path);
    if (::renameat(folder.number(), draft.c_str(), folder.number(), name.c_str()) != 0) {
      fail(folder_ / name, "cannot be put in its place: " + last_error());
    }
  } catch (const ArchiveError&) {
    (void)::unlinkat(folder.number(), draft.c_str(), 0);
    throw;
  }
  sync_or_fail(folder, folder_);
}

bool ArchiveFiles::remove(const std::string& name) {
  const Descriptor folder = open_folder(folder_);
  if (::unlinkat(folder.number(), name.c_str(), 0) != 0) {
    if (errno == ENOENT) {
      return false;
    }
    fail(folder_ / name, "cannot be removed: " + last_error());
  }
  sync_or_fail(folder, folder_);
  return true;
}

void ArchiveFiles::sync() {
  sync_or_fail(open_folder(folder_), folder_);
}

}  // namespace holdfast
