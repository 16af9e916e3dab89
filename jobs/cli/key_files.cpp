// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/key_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

#include "jobs/cli/descriptor.h"
#include "jobs/job_error.h"

namespace holdfast {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kNameDigits = 12;
constexpr mode_t kFolderMode = 0700;
constexpr mode_t kFileMode = 0600;
constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;
constexpr mode_t kOthersAny = S_IRWXG | S_IRWXO;

[[noreturn]] void fail(const fs::path& path, const std::string& sentence) {
  throw JobError(ExitStatus::failed, path.string() + ": " + sentence);
}

/// What the system said about the last call.
std::string last_error() {
  return std::generic_category().message(errno);
}

void require_owner(const fs::path& path, const struct stat& facts) {
  if (facts.st_uid != ::geteuid()) {
    fail(path,
         "belongs to user " + std::to_string(facts.st_uid) +
             ", not to who runs holdfast: run holdfast as that user, or give it back with chown");
  }
}

/// The folder, checked; not open where there is none.
Descriptor open_folder(const fs::path& folder) {
  Descriptor opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!opened.is_open()) {
    if (errno == ENOENT) {
      return opened;
    }
    fail(folder,
         errno == ELOOP || errno == ENOTDIR
             ? "is a link or no folder: name the folder of the keys itself under [erasure] keys"
             : "the folder of the keys cannot be opened: " + last_error());
  }
  struct stat facts {};
  if (::fstat(opened.number(), &facts) != 0) {
    fail(folder, "the folder of the keys cannot be looked at: " + last_error());
  }
  require_owner(folder, facts);
  if ((facts.st_mode & kOthersWrite) != 0) {
    fail(folder, "others may write to the folder of the keys: chmod go-w it, and see who did");
  }
  return opened;
}

void sync(const Descriptor& opened, const fs::path& path) {
  if (::fsync(opened.number()) != 0) {
    fail(path, "cannot be synced to the disk: " + last_error());
  }
}

/// The same, made first where it is missing; then the folder around it is synced too.
Descriptor open_or_make_folder(const fs::path& folder) {
  if (::mkdir(folder.c_str(), kFolderMode) == 0) {
    Descriptor made = open_folder(folder);
    if (!made.is_open() || ::fchmod(made.number(), kFolderMode) != 0) {
      fail(folder, "the folder of the keys cannot be closed to others: " + last_error());
    }
    const fs::path around = folder.has_parent_path() ? folder.parent_path() : fs::path{"."};
    const Descriptor parent{::open(around.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!parent.is_open()) {
      fail(around, "the folder around that of the keys cannot be opened: " + last_error());
    }
    sync(parent, around);
    return made;
  }
  if (errno != EEXIST) {
    fail(folder,
         "the folder of the keys cannot be made: " + last_error() +
             ": make the folder around it, or name another under [erasure] keys");
  }
  return open_folder(folder);
}

/// Whether a file that others may read is refused: it is for reading, but can still be destroyed.
enum class Privacy { required, indifferent };

/// A key file, checked; not open where there is none.
Descriptor open_key(const Descriptor& folder, const fs::path& file, int how, Privacy privacy) {
  // O_NONBLOCK, because opening a pipe would wait for ever.
  Descriptor opened{::openat(
      folder.number(), file.filename().c_str(), how | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
  if (!opened.is_open()) {
    if (errno == ENOENT) {
      return opened;
    }
    fail(file,
         errno == ELOOP ? "is a link: put the key's own file in its place"
                        : "the key cannot be opened: " + last_error());
  }
  struct stat facts {};
  if (::fstat(opened.number(), &facts) != 0) {
    fail(file, "the key cannot be looked at: " + last_error());
  }
  if (!S_ISREG(facts.st_mode) || facts.st_nlink != 1) {
    fail(file, "is no file, or has a second name by a hard link: leave one name only");
  }
  require_owner(file, facts);
  if (privacy == Privacy::required && (facts.st_mode & kOthersAny) != 0) {
    fail(file,
         "others may read or write this key: chmod 600 it; if somebody may have copied it, the"
         " tokens made with it can be traced back to persons");
  }
  return opened;
}

/// What the file holds, up to one byte more than a key has.
std::string bytes_of(const Descriptor& opened, const fs::path& file) {
  std::array<char, kKeyBytes + 1> buffer{};
  std::size_t count = 0;
  while (count < buffer.size()) {
    const ssize_t got = ::read(opened.number(), buffer.data() + count, buffer.size() - count);
    if (got == 0) {
      break;
    }
    if (got < 0 && errno != EINTR) {
      fail(file, "the key cannot be read: " + last_error());
    }
    count += got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  return {buffer.data(), count};
}

void write_all(const Descriptor& opened, const fs::path& file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(opened.number(), bytes.data(), bytes.size());
    if (put < 0 && errno != EINTR) {
      fail(file, "the key cannot be written: " + last_error());
    }
    bytes.remove_prefix(put > 0 ? static_cast<std::size_t>(put) : 0);
  }
}

/// Why these bytes are not the line's key; empty where they are.
std::string fault_of(const std::string& bytes, const ErasureKeyLine& line) {
  if (bytes.size() != kKeyBytes) {
    return "has " + std::string{bytes.size() > kKeyBytes ? "more" : "fewer"} + " than the " +
           std::to_string(kKeyBytes) + " bytes of a key";
  }
  return key_check(bytes) == line.check ? "" : "holds another key than the register's line wants";
}

bool is_overwritten(const std::string& bytes) {
  return bytes.size() == kKeyBytes &&
         std::all_of(bytes.begin(), bytes.end(), [](char byte) { return byte == '\0'; });
}

void put_key(const Descriptor& file, const fs::path& name, const std::string& key) {
  // The umask may have taken more away than it should.
  if (::fchmod(file.number(), kFileMode) != 0) {
    fail(name, "cannot be closed to others: " + last_error());
  }
  write_all(file, name, key);
  sync(file, name);
}

}  // namespace

fs::path key_folder(const Settings& settings) {
  if (!settings.erasure.key_folder.empty()) {
    return settings.erasure.key_folder;
  }
  std::error_code ignored;  // a path that cannot be resolved is used as it is written
  const fs::path real = fs::weakly_canonical(settings.database, ignored);
  fs::path folder = real.empty() ? settings.database : real;
  folder += ".keys";
  return folder;
}

fs::path KeyFiles::file_of(const ErasureKeyLine& line) const {
  return folder_ / ("key-" + std::to_string(line.id) + '-' + line.check.substr(0, kNameDigits));
}

std::optional<std::string> KeyFiles::read(const ErasureKeyLine& line) {
  const fs::path file = file_of(line);
  const Descriptor folder = open_folder(folder_);
  if (!folder.is_open()) {
    return std::nullopt;
  }
  const Descriptor opened = open_key(folder, file, O_RDONLY, Privacy::required);
  if (!opened.is_open()) {
    return std::nullopt;
  }
  std::string bytes = bytes_of(opened, file);
  const std::string fault = fault_of(bytes, line);
  if (!fault.empty()) {
    fail(file,
         fault +
             ": put the file back from a backup; if it is lost, \"holdfast erasure forget-key\""
             " says so for good");
  }
  return bytes;
}

void KeyFiles::write(const ErasureKeyLine& line, const std::string& key) {
  const fs::path file = file_of(line);
  const std::string fault = fault_of(key, line);
  if (!fault.empty()) {
    fail(file, "not written: what was to go there " + fault);
  }
  const Descriptor folder = open_or_make_folder(folder_);
  if (!folder.is_open()) {
    fail(folder_, "the folder of the keys is gone again: see who removed it, and try again");
  }
  const Descriptor opened{::openat(folder.number(),
                                   file.filename().c_str(),
                                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                   kFileMode)};
  if (!opened.is_open()) {
    fail(file,
         errno == EEXIST ? "is there already, and a key is never replaced: move it away"
                         : "the key cannot be made: " + last_error());
  }
  try {
    put_key(opened, file, key);
    sync(folder, folder_);
  } catch (const JobError&) {
    // Half a key would be in the way of nobody, but it would puzzle whoever finds it.
    static_cast<void>(::unlinkat(folder.number(), file.filename().c_str(), 0));
    throw;
  }
}

bool KeyFiles::destroy(const ErasureKeyLine& line) {
  const fs::path file = file_of(line);
  const Descriptor folder = open_folder(folder_);
  if (!folder.is_open()) {
    return false;
  }
  const Descriptor opened = open_key(folder, file, O_RDWR, Privacy::indifferent);
  if (!opened.is_open()) {
    return false;
  }
  const std::string bytes = bytes_of(opened, file);
  const std::string fault = is_overwritten(bytes) ? std::string{} : fault_of(bytes, line);
  if (!fault.empty()) {
    fail(file, fault + ": left alone; remove it by hand once you know what it is");
  }
  if (::lseek(opened.number(), 0, SEEK_SET) != 0) {
    fail(file, "the key cannot be overwritten: " + last_error());
  }
  write_all(opened, file, std::string(kKeyBytes, '\0'));
  sync(opened, file);
  if (::unlinkat(folder.number(), file.filename().c_str(), 0) != 0) {
    fail(file, "the key is overwritten, its file cannot be removed: " + last_error());
  }
  sync(folder, folder_);
  return true;
}

}  // namespace holdfast
