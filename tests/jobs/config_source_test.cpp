// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include "jobs/cli/config_file.h"
#include "tests/jobs/config_texts.h"

using namespace holdfast;
using namespace holdfast::testing;
using namespace std::chrono_literals;

namespace {

/// A folder that disappears with the test.
class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "holdfast-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  TestFolder(TestFolder&&) = delete;
  TestFolder& operator=(TestFolder&&) = delete;
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] std::filesystem::path write(const std::string& name, std::string_view text) const {
    std::ofstream{path_ / name} << text;
    return path_ / name;
  }
  [[nodiscard]] std::filesystem::path path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::string refusal_of_file(const std::filesystem::path& path) {
  try {
    static_cast<void>(load_config(path));
  } catch (const ConfigError& refusal) {
    return refusal.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a file of codes extends the catalogue before the policy is read", "[config]") {
  const TestFolder folder;
  static_cast<void>(folder.write("codes.tsv", "Billing\tINVOICE_SENT\tInfo\tAn invoice left.\n"));
  const auto path =
      folder.write("holdfast.toml",
                   with_database("[catalogue]\nbuilt_in = false\nextend = \"codes.tsv\"\n"
                                 "[retention.category]\nbilling = { window = \"10 years\" }\n"
                                 "[retention.code]\nINVOICE_SENT = { at_least = \"1 day\" }"));

  const Settings settings = load_config(path);

  CHECK(settings.catalogue.codes().size() == 1);
  CHECK(settings.catalogue.categories().size() == 13);
  CHECK(settings.retention.category.at("billing").window == window("10 years"));
}

TEST_CASE("a file of codes that cannot be used is refused with its own line", "[config][refusal]") {
  const TestFolder folder;
  const std::string config = with_database(
      "[catalogue]\nextend = \"codes.tsv\"\n[retention.category]\nbilling = { window = \"1 day\" }");
  const auto path = folder.write("holdfast.toml", config);
  const std::string place = path.string() + ":4: catalogue.extend: ";

  SECTION("missing") {
    CHECK(refusal_of_file(path) ==
          place + "\"codes.tsv\" is no such file: write the path of a file of codes");
  }
  SECTION("a directory") {
    std::filesystem::create_directory(folder.path() / "codes.tsv");
    CHECK(refusal_of_file(path) == place +
                                       "\"codes.tsv\" is a directory, not a file: write the"
                                       " path of a file of codes");
  }
  SECTION("wrong in its second line") {
    static_cast<void>(folder.write("codes.tsv", "# codes\nBilling\tINVOICE_SENT\tLoud\tx\n"));
    CHECK(refusal_of_file(path) ==
          place +
              "codes.tsv, line 2: severity \"Loud\" is none of Info, Notice, Warning, Critical");
  }
}

TEST_CASE("settings say which file they came from", "[config]") {
  const TestFolder folder;
  const auto path = folder.write("holdfast.toml", with_database(""));
  const auto written = std::filesystem::file_time_type::clock::now();

  const ConfigSource source = load_config(path).source;

  CHECK(source.path == path);
  CHECK(source.sha256 == "f14376d79a60257a5eb432300a0c5a4c6c55a784a23fd368382d968171a96cc1");
  CHECK_FALSE(source.owner.empty());
  const auto real = std::chrono::file_clock::to_sys(written);
  CHECK(std::chrono::abs(source.modified_at - real) < 1min);
}

TEST_CASE("a file that cannot be read is refused with what to do", "[config][refusal]") {
  const TestFolder folder;
  const std::string missing = (folder.path() / "none.toml").string();

  CHECK(refusal_of_file(missing) ==
        missing + R"(: no such file: write one with "holdfast init", or name yours with --config)");
  CHECK(refusal_of_file(folder.path()) ==
        folder.path().string() +
            ": is a directory, not a file: name a file that can be read with --config");
  CHECK(refusal_of_file("/dev/null") ==
        "/dev/null: is a pipe or a device, not a file: name a file that can be read with --config");
}

TEST_CASE("a configuration may have 8 MiB and not a byte more", "[config][refusal]") {
  const TestFolder folder;
  const std::string start = with_database("#");
  const std::string largest = start + std::string((8U << 20U) - start.size(), 'x');
  const auto fits = folder.write("fits.toml", largest);
  const auto too_large = folder.write("large.toml", largest + 'x');

  CHECK(refusal_of_file(fits).empty());
  CHECK(refusal_of_file(too_large) ==
        too_large.string() + ": is larger than 8 MiB: name a file that can be read with --config");
}
