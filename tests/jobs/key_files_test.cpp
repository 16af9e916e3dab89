// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/key_files.h"

#include <unistd.h>

#include <filesystem>
#include <string>

#include <catch2/catch.hpp>

#include "jobs/job_error.h"
#include "tests/jobs/temp_folder.h"

using namespace holdfast;
using namespace holdfast::testing;
namespace fs = std::filesystem;

namespace {

const std::string kKey = std::string("\0a key of thirty-two bytes \n\xff", 29) + "...";
constexpr uid_t kSomebodyElse = 12345;

ErasureKeyLine line_of(const std::string& key) {
  return {.id = 7, .tenant = "acme", .check = key_check(key)};
}

/// A folder with the key in it, and where the file should be.
struct Stored {
  TempFolder around;
  fs::path folder = around / "audit.db.keys";
  KeyFiles keys{folder};
  ErasureKeyLine line = line_of(kKey);
  fs::path file = folder / ("key-7-" + line.check.substr(0, 12));

  Stored() { keys.write(line, kKey); }
};

/// What reading is refused with; "" where it is not.
std::string refusal(KeyFiles& keys, const ErasureKeyLine& line) {
  try {
    static_cast<void>(keys.read(line));
  } catch (const JobError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a key comes back as it was written, in a file for its owner alone", "[erasure][keys]") {
  Stored stored;

  CHECK(stored.keys.read(stored.line) == kKey);
  CHECK(read_text(stored.file) == kKey);
  CHECK(mode_of(stored.folder) == 0700);
  CHECK(mode_of(stored.file) == 0600);
}

TEST_CASE("modes do not depend on the umask", "[erasure][keys]") {
  const mode_t before = ::umask(0077);
  ::umask(0);
  Stored loose;
  ::umask(0277);
  TempFolder around;
  fs::create_directory(around / "keys");
  set_mode(around / "keys", 0700);
  KeyFiles tight{around / "keys"};
  tight.write(line_of(kKey), kKey);
  ::umask(before);

  CHECK(mode_of(loose.folder) == 0700);
  CHECK(mode_of(loose.file) == 0600);
  CHECK(mode_of(around / "keys" / loose.file.filename().string()) == 0600);
}

TEST_CASE("a key that is not there is none, with or without its folder", "[erasure][keys]") {
  TempFolder around;
  KeyFiles keys{around / "keys"};

  CHECK(keys.read(line_of(kKey)) == std::nullopt);
  CHECK_FALSE(keys.destroy(line_of(kKey)));
  CHECK_FALSE(fs::exists(around / "keys"));

  Stored stored;
  CHECK(stored.keys.read(line_of("another key of thirty-two bytes.")) == std::nullopt);
  CHECK_FALSE(stored.keys.destroy(line_of("another key of thirty-two bytes.")));
  CHECK(fs::exists(stored.file));
}

TEST_CASE("a key is never written over a file that is there", "[erasure][keys]") {
  Stored stored;

  CHECK_THROWS_WITH(stored.keys.write(stored.line, kKey),
                    Catch::Contains("never replaced") && Catch::Contains(stored.file.string()));
  CHECK(read_text(stored.file) == kKey);

  fs::remove(stored.file);
  fs::create_symlink(stored.around / "elsewhere", stored.file);
  CHECK_THROWS_AS(stored.keys.write(stored.line, kKey), JobError);
  CHECK_FALSE(fs::exists(stored.around / "elsewhere"));
}

TEST_CASE("a key that is not the line's own is not written", "[erasure][keys]") {
  TempFolder around;
  KeyFiles keys{around / "keys"};

  CHECK_THROWS_AS(keys.write(line_of("short"), "short"), JobError);
  CHECK_THROWS_AS(keys.write(line_of(kKey), std::string(32, 'x')), JobError);
  CHECK_FALSE(fs::exists(around / "keys"));
}

TEST_CASE("a folder cannot be made where the one around it is missing", "[erasure][keys]") {
  TempFolder around;
  KeyFiles keys{around / "not" / "there"};

  CHECK_THROWS_WITH(keys.write(line_of(kKey), kKey), Catch::Contains("[erasure] keys"));
}

TEST_CASE("a key that others may read or write is refused", "[erasure][keys]") {
  Stored stored;
  for (const mode_t mode : {0640U, 0620U, 0604U, 0602U, 0610U, 0601U}) {
    CAPTURE(mode);
    set_mode(stored.file, mode);
    CHECK_THAT(refusal(stored.keys, stored.line),
               Catch::StartsWith(stored.file.string()) && Catch::Contains("chmod 600"));
  }
  set_mode(stored.file, 0600);
  for (const mode_t mode : {0720U, 0702U, 0777U}) {
    CAPTURE(mode);
    set_mode(stored.folder, mode);
    CHECK_THAT(refusal(stored.keys, stored.line),
               Catch::StartsWith(stored.folder.string()) && Catch::Contains("chmod go-w"));
  }
  set_mode(stored.folder, 0755);
  CHECK(refusal(stored.keys, stored.line).empty());
}

TEST_CASE("a link in the place of a key or its folder is refused", "[erasure][keys]") {
  Stored stored;
  fs::create_hard_link(stored.file, stored.around / "second");
  CHECK_THAT(refusal(stored.keys, stored.line), Catch::Contains("hard link"));

  fs::rename(stored.around / "second", stored.folder / "second");
  fs::remove(stored.file);
  fs::create_symlink(stored.folder / "second", stored.file);
  CHECK_THAT(refusal(stored.keys, stored.line), Catch::Contains("is a link"));
  CHECK_THROWS_AS(stored.keys.destroy(stored.line), JobError);
  CHECK(read_text(stored.folder / "second") == kKey);

  Stored other;
  fs::create_symlink(other.folder, other.around / "link");
  KeyFiles through{other.around / "link"};
  CHECK_THAT(refusal(through, other.line), Catch::Contains("is a link"));
}

TEST_CASE("what is no file in the place of a key is refused without waiting", "[erasure][keys]") {
  Stored stored;
  fs::remove(stored.file);
  REQUIRE(::mkfifo(stored.file.c_str(), 0600) == 0);
  CHECK_THAT(refusal(stored.keys, stored.line), Catch::Contains("is no file"));

  fs::remove(stored.file);
  fs::create_directory(stored.file);
  CHECK_THAT(refusal(stored.keys, stored.line), Catch::Contains("is no file"));
}

TEST_CASE("the key of another user is refused", "[erasure][keys]") {
  if (::geteuid() != 0) {
    WARN("skipped: only root can give files away");
    return;
  }
  Stored stored;
  REQUIRE(::chown(stored.file.c_str(), kSomebodyElse, 0) == 0);
  CHECK_THAT(refusal(stored.keys, stored.line),
             Catch::StartsWith(stored.file.string()) && Catch::Contains("user 12345"));
  CHECK_THROWS_AS(stored.keys.destroy(stored.line), JobError);
  CHECK(read_text(stored.file) == kKey);

  REQUIRE(::chown(stored.file.c_str(), 0, 0) == 0);
  REQUIRE(::chown(stored.folder.c_str(), kSomebodyElse, 0) == 0);
  CHECK_THAT(refusal(stored.keys, stored.line), Catch::StartsWith(stored.folder.string() + ": "));
}

TEST_CASE("a key of wrong length or with wrong bytes is refused and left alone",
          "[erasure][keys]") {
  Stored stored;
  const std::string lost = "put the file back from a backup";
  for (const std::string& bytes : {std::string{},
                                   kKey.substr(0, 31),
                                   kKey + "\n",
                                   std::string(1000, 'x'),
                                   std::string(32, 'x')}) {
    CAPTURE(bytes);
    write_text(stored.file, bytes);
    CHECK_THAT(refusal(stored.keys, stored.line), Catch::Contains(lost));
    CHECK_THROWS_WITH(stored.keys.destroy(stored.line), Catch::Contains("left alone"));
    CHECK(read_text(stored.file) == bytes);
  }
}

TEST_CASE("a destroyed key is overwritten and gone", "[erasure][keys]") {
  Stored stored;
  // Whoever has the file open still sees what is in it.
  std::ifstream open_before{stored.file, std::ios::binary};

  CHECK(stored.keys.destroy(stored.line));
  CHECK_FALSE(fs::exists(stored.file));
  CHECK(std::string{std::istreambuf_iterator<char>{open_before}, {}} == std::string(32, '\0'));
  CHECK(stored.keys.read(stored.line) == std::nullopt);
  CHECK_FALSE(stored.keys.destroy(stored.line));
}

TEST_CASE("a key can be destroyed that others could read, or that was overwritten already",
          "[erasure][keys]") {
  Stored seen;
  set_mode(seen.file, 0644);
  CHECK(seen.keys.destroy(seen.line));
  CHECK_FALSE(fs::exists(seen.file));

  Stored interrupted;
  write_text(interrupted.file, std::string(32, '\0'));
  CHECK_FALSE(refusal(interrupted.keys, interrupted.line).empty());
  CHECK(interrupted.keys.destroy(interrupted.line));
  CHECK_FALSE(fs::exists(interrupted.file));
}

TEST_CASE("keys lie beside the database as it really lies, or where the settings say",
          "[erasure][keys]") {
  TempFolder around;
  write_text(around / "audit.db", "");
  fs::create_symlink(around / "audit.db", around / "link.db");
  Settings settings;
  settings.database = around / "link.db";

  CHECK(key_folder(settings) == around / "audit.db.keys");
  settings.erasure.key_folder = around / "elsewhere";
  CHECK(key_folder(settings) == around / "elsewhere");
}
