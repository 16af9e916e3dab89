// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/witness_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <system_error>

#include "jobs/cli/descriptor.h"
#include "jobs/digest.h"
#include "jobs/job_error.h"

namespace holdfast {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kFileMode = 0600;
constexpr mode_t kOthersAny = S_IRWXG | S_IRWXO;
constexpr std::size_t kPieceBytes = 65536;  // of one read
constexpr int kMostReplaced = 10'000;       // files that were replaced and are still there

[[noreturn]] void fail(const fs::path& path, const std::string& sentence) {
  throw JobError(ExitStatus::failed, path.string() + ": " + sentence);
}

std::string last_error() {
  return std::generic_category().message(errno);
}

void require_own_private_file(const fs::path& path, const Descriptor& opened) {
  struct stat facts {};
  if (::fstat(opened.number(), &facts) != 0) {
    fail(path, "the witness file cannot be looked at: " + last_error());
  }
  if (!S_ISREG(facts.st_mode) || facts.st_nlink != 1) {
    fail(path,
         "is no file, or has a second name by a hard link: name a file of its own under [witness] "
         "file");
  }
  if (facts.st_uid != ::geteuid()) {
    fail(path,
         "belongs to user " + std::to_string(facts.st_uid) +
             ", not to who runs holdfast: run holdfast as that user, or give it back with chown");
  }
  if ((facts.st_mode & kOthersAny) != 0) {
    fail(path,
         "others may read or write the witness file: chmod 600 it, and see who did; it says whom "
         "holds are about, and who can change it can hide a restored backup");
  }
}

/// The file, checked; not open where there is none.
Descriptor open_file(const fs::path& path, int how) {
  // O_NONBLOCK, because opening a pipe would wait for ever.
  Descriptor opened{::open(path.c_str(), how | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
  if (!opened.is_open()) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return opened;
    }
    if (errno == ELOOP) {
      fail(path, "is a link: name the witness file itself under [witness] file");
    }
    if (errno == EISDIR) {
      fail(path, "is a folder: name a file under [witness] file");
    }
    fail(path, "the witness file cannot be opened: " + last_error());
  }
  require_own_private_file(path, opened);
  return opened;
}

void lock(const fs::path& path, const Descriptor& opened, int how) {
  while (::flock(opened.number(), how) != 0) {
    if (errno != EINTR) {
      fail(path, "the witness file cannot be locked: " + last_error());
    }
  }
}

/// Reads all that is there from the beginning on, piece by piece.
template <typename Take>
void read_pieces(const fs::path& path, const Descriptor& opened, Take take) {
  std::array<char, kPieceBytes> piece{};
  off_t from = 0;
  for (;;) {
    const ssize_t count = ::pread(opened.number(), piece.data(), piece.size(), from);
    if (count == 0) {
      return;
    }
    if (count < 0 && errno != EINTR) {
      fail(path, "the witness file cannot be read: " + last_error());
    }
    if (count > 0) {
      take(std::string_view(piece.data(), static_cast<std::size_t>(count)));
      from += count;
    }
  }
}

std::string bytes_of(const fs::path& path, const Descriptor& opened) {
  struct stat facts {};
  std::string bytes;
  if (::fstat(opened.number(), &facts) == 0 && facts.st_size > 0) {
    bytes.reserve(static_cast<std::size_t>(facts.st_size));
  }
  read_pieces(path, opened, [&bytes](std::string_view piece) { bytes += piece; });
  return bytes;
}

/// What is there, without keeping it.
struct FileFacts {
  std::string fingerprint;
  std::size_t bytes = 0;
  std::size_t whole = 0;  ///< of these, up to the last line end
};

FileFacts facts_of(const fs::path& path, const Descriptor& opened) {
  FileFacts facts;
  Sha256 digest;
  read_pieces(path, opened, [&](std::string_view piece) {
    digest.update(piece);
    const std::size_t end = piece.rfind('\n');
    facts.whole = end == std::string_view::npos ? facts.whole : facts.bytes + end + 1;
    facts.bytes += piece.size();
  });
  facts.fingerprint = digest.hex();
  return facts;
}

WitnessText text_of(std::string_view bytes) {
  WitnessText text{.exists = true};
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) {
      text.torn = true;
      break;
    }
    text.lines.emplace_back(bytes.substr(0, end));
    bytes.remove_prefix(end + 1);
  }
  return text;
}

void sync(const fs::path& path, const Descriptor& opened) {
  if (::fsync(opened.number()) != 0) {
    fail(path, "cannot be synced to the disk: " + last_error());
  }
}

void sync_folder(const fs::path& path) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path{"."};
  const Descriptor opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!opened.is_open()) {
    fail(folder, "the folder of the witness file cannot be opened: " + last_error());
  }
  sync(folder, opened);
}

void write_all(const fs::path& path, const Descriptor& opened, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(opened.number(), bytes.data(), bytes.size());
    if (count < 0 && errno != EINTR) {
      fail(path, "the witness file cannot be written: " + last_error());
    }
    bytes.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 0);
  }
}

void cut(const fs::path& path, const Descriptor& opened, std::size_t bytes) {
  if (::ftruncate(opened.number(), static_cast<off_t>(bytes)) != 0) {
    fail(path, "the torn end of the witness file cannot be cut off: " + last_error());
  }
}

void write_lines(const fs::path& path,
                 const Descriptor& opened,
                 const std::vector<std::string>& lines) {
  std::string bytes;
  for (const std::string& line : lines) {
    bytes += line;
    bytes += '\n';
    if (bytes.size() >= kPieceBytes) {
      write_all(path, opened, bytes);
      bytes.clear();
    }
  }
  write_all(path, opened, bytes);
}

/// A new file that nobody else may read, with these lines, synced.
void make_file(const fs::path& path, const std::vector<std::string>& lines) {
  const Descriptor made{
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kFileMode)};
  if (!made.is_open()) {
    fail(path,
         "the witness file cannot be made: " + last_error() +
             ": make its folder, or name another file under [witness] file");
  }
  // The umask may have taken more away than it should.
  if (::fchmod(made.number(), kFileMode) != 0) {
    fail(path, "cannot be closed to others: " + last_error());
  }
  write_lines(path, made, lines);
  sync(path, made);
}

/// A name beside the file that nothing has yet: its own, the word and a number, `first` or more.
fs::path free_name(const fs::path& path, const char* word, std::int64_t first) {
  for (std::int64_t number = first; number < first + kMostReplaced; ++number) {
    fs::path name = path;
    name += word + std::to_string(number);
    if (fs::symlink_status(name).type() == fs::file_type::not_found) {
      return name;
    }
  }
  fail(path, "has been replaced too often: clear out the old ones beside it");
}

void rename_file(const fs::path& from, const fs::path& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) {
    fail(from, "cannot be renamed to " + to.string() + ": " + last_error());
  }
}

}  // namespace

fs::path witness_path(const Settings& settings) {
  if (!settings.witness_beside_database) {
    return settings.witness_file;
  }
  std::error_code ignored;  // a path that cannot be resolved is used as it is written
  const fs::path real = fs::weakly_canonical(settings.database, ignored);
  fs::path file = real.empty() ? settings.database : real;
  file += ".witness";
  return file;
}

std::string set_witness_aside(const fs::path& path, Instant at) {
  if (fs::symlink_status(path).type() == fs::file_type::not_found) {
    return {};
  }
  const fs::path aside = free_name(path, ".removed-", to_unix_ms(at));
  rename_file(path, aside);
  sync_folder(path);
  return aside.string();
}

WitnessText WitnessFile::read() {
  const Descriptor opened = open_file(path_, O_RDONLY);
  if (!opened.is_open()) {
    return {};
  }
  lock(path_, opened, LOCK_SH);
  const std::string bytes = bytes_of(path_, opened);
  WitnessText text = text_of(bytes);
  text.fingerprint = sha256_hex(bytes);
  return text;
}

void WitnessFile::begin() {
  if (open_file(path_, O_RDONLY).is_open()) {
    return;
  }
  make_file(path_, {});
  sync_folder(path_);
}

void WitnessFile::append(const std::string& known, const Lacking& lacking) {
  const Descriptor opened = open_file(path_, O_RDWR | O_APPEND);
  if (!opened.is_open()) {
    fail(path_, "the witness file is gone: put it back, or mount its folder");
  }
  lock(path_, opened, LOCK_EX);
  const FileFacts facts = facts_of(path_, opened);
  const auto lines =
      lacking(facts.fingerprint == known ? WitnessText{.exists = true, .as_before = true}
                                         : text_of(bytes_of(path_, opened)));
  if (lines.empty() && facts.whole == facts.bytes) {
    return;
  }
  if (facts.whole != facts.bytes) {
    cut(path_, opened, facts.whole);
  }
  try {
    write_lines(path_, opened, lines);
  } catch (const JobError&) {
    // Where this fails too, the half line is torn and is cut off the next time.
    [[maybe_unused]] const int ignored =
        ::ftruncate(opened.number(), static_cast<off_t>(facts.whole));
    throw;
  }
  sync(path_, opened);
}

std::string WitnessFile::replace(const std::vector<std::string>& lines) {
  fs::path fresh = path_;
  fresh += ".new";
  // What a replacement that was killed has left behind is nobody's.
  std::error_code ignored;
  fs::remove(fresh, ignored);
  make_file(fresh, lines);
  std::string kept;
  if (fs::symlink_status(path_).type() != fs::file_type::not_found) {
    const fs::path old = free_name(path_, ".replaced-", 1);
    rename_file(path_, old);
    kept = old.string();
  }
  rename_file(fresh, path_);
  sync_folder(path_);
  return kept;
}

}  // namespace holdfast
