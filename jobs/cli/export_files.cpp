// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/export_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>

#include "jobs/cli/archive_files.h"
#include "jobs/cli/export_pages.h"
#include "jobs/cli/fresh_file.h"
#include "jobs/digest.h"
#include "jobs/job_error.h"

namespace holdfast {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kPiece = std::int64_t{1} << 20;

class HandedFile final : public HandedExport {
 public:
  explicit HandedFile(const fs::path& to) : file_(to) {}
  void append(std::string_view bytes) { file_.append(bytes); }
  void put_in_place() override { file_.put_in_place(); }

 private:
  FreshFile file_;
};

[[noreturn]] void refuse(const fs::path& path, const std::string& what) {
  throw JobError(ExitStatus::failed, path.string() + ": " + what);
}

void require_folder_there(const fs::path& folder) {
  std::error_code problem;
  if (!fs::is_directory(folder, problem)) {
    refuse(folder,
           "the folder of the exports is not there: make it, readable by this user alone, or set "
           "[export].directory right");
  }
}

}  // namespace

WrittenExport ExportFiles::write(const std::string& name, const ExportContents& contents) {
  require_folder_there(folder_);
  (void)remove(name);  // of a crash: the register does not call it ready
  FreshFile file(folder_ / name);
  Sha256 hash;
  WrittenExport written;
  const auto made_at = parse_rfc3339(contents.head.value("made_at", std::string{}));
  ZipFile zip(
      [&](std::string_view bytes) {
        hash.update(bytes);
        written.bytes += static_cast<std::int64_t>(bytes.size());
        file.append(bytes);
      },
      made_at.value_or(Instant{}));
  written.rows = write_export(zip, contents);
  zip.close();
  written.sha256 = hash.hex();
  file.put_in_place();
  return written;
}

std::unique_ptr<HandedExport> ExportFiles::hand_out(const ExportFile& file, const std::string& to) {
  const auto source = ArchiveFiles(folder_).open(file.name, ArchiveUse::reading);
  const fs::path path = folder_ / file.name;
  if (source == nullptr) {
    refuse(path, "the file of the export is gone: destroy it, and ask for a new one");
  }
  auto copy = std::make_unique<HandedFile>(fs::path(to));
  Sha256 hash;
  std::int64_t done = 0;
  for (;;) {
    const std::string piece = source->read(done, kPiece);
    if (piece.empty()) {
      break;
    }
    hash.update(piece);
    copy->append(piece);
    done += static_cast<std::int64_t>(piece.size());
  }
  if (done != file.bytes || hash.hex() != file.sha256) {
    refuse(path,
           "is not the file that was made, and is not handed out: destroy the export, and ask for "
           "a new one");
  }
  return copy;
}

std::string ExportFiles::fault(const ExportFile& file) {
  const fs::path path = folder_ / file.name;
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) {
    return path.string() +
           ": the file of the export cannot be found: " + std::generic_category().message(errno);
  }
  if (!S_ISREG(found.st_mode) || found.st_nlink != 1 || found.st_size != file.bytes) {
    return path.string() + ": is not the file that was made";
  }
  return {};
}

std::vector<std::string> ExportFiles::names() {
  require_folder_there(folder_);
  return ArchiveFiles(folder_).names();
}

bool ExportFiles::remove(const std::string& name) {
  return ArchiveFiles(folder_).remove(name);
}

}  // namespace holdfast
