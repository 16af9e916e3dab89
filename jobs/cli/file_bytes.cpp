// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/file_bytes.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <vector>

namespace holdfast {
namespace {

constexpr std::size_t kEntryBytes = 16384;  // of one entry of the user database
constexpr std::size_t kPieceBytes = 65536;  // of one read
/// An open file that closes itself.
class OpenFile {
 public:
  // O_NONBLOCK, because opening a pipe without a writer would wait for ever.
  explicit OpenFile(const std::filesystem::path& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  OpenFile(OpenFile&&) = delete;
  OpenFile& operator=(OpenFile&&) = delete;
  ~OpenFile() {
    if (is_open()) {
      ::close(descriptor_);
    }
  }

  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

FileFault fault_of(int error) {
  if (error == ENOENT || error == ENOTDIR) {
    return {.missing = true, .sentence = "no such file"};
  }
  return {.sentence = "cannot be read: " + std::generic_category().message(error) +
                      (error == EACCES ? " (let the group of whoever runs holdfast read it: chgrp "
                                         "and chmod 640)"
                                       : "")};
}

std::string user_name(uid_t user) {
  std::vector<char> entry_bytes(kEntryBytes);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(user, &entry, entry_bytes.data(), entry_bytes.size(), &found) == 0 &&
      found != nullptr) {
    return found->pw_name;
  }
  return std::to_string(user);
}

Instant modification_time(const struct stat& status) {
  const auto since_1970 = std::chrono::seconds{status.st_mtim.tv_sec} +
                          std::chrono::nanoseconds{status.st_mtim.tv_nsec};
  return Instant{std::chrono::floor<std::chrono::milliseconds>(since_1970)};
}

/// Reads to the end, or to one byte past the largest size; false where the system reports an error.
bool read_all(int descriptor, std::string& bytes) {
  std::array<char, kPieceBytes> piece{};
  while (bytes.size() <= kLargestConfigBytes) {
    const ssize_t count = ::read(descriptor, piece.data(), piece.size());
    if (count == 0) {
      return true;
    }
    if (count < 0 && errno != EINTR) {
      return false;
    }
    bytes.append(piece.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  }
  return true;
}

}  // namespace

tl::expected<FileBytes, FileFault> read_file_bytes(const std::filesystem::path& path) {
  const OpenFile file{path};
  struct stat status {};
  if (!file.is_open() || ::fstat(file.descriptor(), &status) != 0) {
    return tl::unexpected{fault_of(errno)};
  }
  if (S_ISDIR(status.st_mode)) {
    return tl::unexpected{FileFault{.sentence = "is a directory, not a file"}};
  }
  if (!S_ISREG(status.st_mode)) {
    return tl::unexpected{FileFault{.sentence = "is a pipe or a device, not a file"}};
  }
  FileBytes read{.owner = user_name(status.st_uid), .modified_at = modification_time(status)};
  if (!read_all(file.descriptor(), read.bytes)) {
    return tl::unexpected{fault_of(errno)};
  }
  if (read.bytes.size() > kLargestConfigBytes) {
    return tl::unexpected{FileFault{.sentence = "is larger than 8 MiB"}};
  }
  return read;
}

}  // namespace holdfast
