// SPDX-License-Identifier: Apache-2.0
#include "jobs/witness.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

#include "jobs/cli/witness_file.h"
#include "jobs/digest.h"
#include "jobs/job_error.h"
#include "jobs/witness_hold.h"
#include "jobs/witness_notes.h"
#include "tests/jobs/job_world.h"

namespace holdfast::testing {
namespace {

using Catch::Contains;
namespace fs = std::filesystem;

void put(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
}

/// A database with a witness file beside it.
class WitnessWorld {
 public:
  WitnessWorld() : database_(world_.open()), witness_(file()) {}

  [[nodiscard]] fs::path file() const { return world_.path().parent_path() / "witness"; }
  [[nodiscard]] Database& database() { return *database_; }
  [[nodiscard]] WitnessFile& witness() { return witness_; }
  [[nodiscard]] const std::string& warnings() const { return warnings_; }
  [[nodiscard]] WitnessComparison compare() { return compare_witness(*database_, witness_); }

  /// Commits a note, and appends it to the file.
  void note(const std::string& kind = "approval") {
    WitnessNotes notes = open_notes();
    in_write(*database_, [&] { notes.note(kTonight, kind, {{"plan", "p"}}); });
    notes.flush();
  }
  /// Commits a note only: what a crash before the file's turn leaves.
  void note_without_file() {
    in_write(*database_, [this] {
      witness_note(*database_, {.at = kTonight, .kind = "approval", .body = {{"plan", "q"}}});
    });
  }
  WitnessNotes open_notes() {
    return {*database_, &witness_, [this](const std::string& line) {
              warnings_ += line + "\n";
            }};
  }

 private:
  JobWorld world_;
  std::unique_ptr<Database> database_;
  WitnessFile witness_;
  std::string warnings_;
};

}  // namespace

TEST_CASE("the file begins with the database that it belongs to, and nobody else may read it",
          "[witness]") {
  WitnessWorld world;
  CHECK(world.compare().state == WitnessState::in_step);
  world.note();
  const WitnessChain chain = read_witness_chain(world.witness().read().lines);
  REQUIRE(chain.lines.size() == 2);
  CHECK(chain.lines[0].kind == kWitnessOfDatabase);
  CHECK(witness_body(chain.lines[0]).at("database_id") == world.database().identity());
  CHECK(fs::status(world.file()).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  CHECK(world.compare().state == WitnessState::in_step);
  CHECK(world.warnings().empty());
}

TEST_CASE("one line that a crash kept from the file is appended without a word, more with one",
          "[witness]") {
  WitnessWorld world;
  world.note();
  world.note_without_file();
  CHECK(world.compare().state == WitnessState::repaired);
  (void)world.open_notes();
  CHECK(world.compare().state == WitnessState::in_step);
  CHECK(world.warnings().empty());
  world.note_without_file();
  world.note_without_file();
  (void)world.open_notes();
  CHECK_THAT(world.warnings(), Contains("witness_repaired: ") && Contains("lacked 2 lines"));
  CHECK(read_witness_chain(world.witness().read().lines).lines.size() == 5);
}

TEST_CASE("a torn last line is cut off and written again", "[witness]") {
  WitnessWorld world;
  world.note();
  const std::string whole = bytes_of(world.file());
  for (const std::size_t left : {whole.size() - 1, whole.size() - 30, whole.find('\n') + 2}) {
    put(world.file(), whole.substr(0, left));
    CHECK(world.witness().read().torn);
    CHECK(world.compare().state == WitnessState::repaired);
    (void)world.open_notes();
    CHECK(bytes_of(world.file()) == whole);
  }
  CHECK(world.warnings().empty());
}

TEST_CASE("a file that knows more than the database is a restored backup, and nothing is noted",
          "[witness]") {
  WitnessWorld world;
  world.note();
  world.note();
  const auto lines = world.database().witness_outbox().since(2);
  REQUIRE(lines.size() == 1);
  // A file with one line more than the outbox knows.
  const WitnessLine more =
      next_witness_line(lines.front(), {.at = kTonight, .kind = "run", .body = {{"run_id", 7}}});
  put(world.file(), bytes_of(world.file()) + more.line + "\n");
  const WitnessComparison found = world.compare();
  CHECK(found.state == WitnessState::restored_backup);
  REQUIRE(found.lost.size() == 1);
  CHECK(found.lost.front().hash == more.hash);
  CHECK_THAT(found.sentence, Contains("knows 1 entry") && Contains("\"holdfast recover\""));
  world.note();
  CHECK(world.database().witness_outbox().last()->seq == 3);
  CHECK_THAT(world.warnings(), Contains("restored_backup: "));
  CHECK_THROWS_AS(flush_witness(world.database(), world.witness()), JobError);
}

TEST_CASE("a file that says something else, lacks its middle or is gone is told apart",
          "[witness]") {
  WitnessWorld world;
  world.note();
  world.note();
  const std::string whole = bytes_of(world.file());
  const std::vector<WitnessLine> lines = read_witness_chain(world.witness().read().lines).lines;
  REQUIRE(lines.size() == 3);

  SECTION("another last line with a whole chain") {
    const WitnessLine other =
        next_witness_line(lines[1], {.at = kTonight, .kind = "run", .body = {{"run_id", 7}}});
    put(world.file(), lines[0].line + "\n" + lines[1].line + "\n" + other.line + "\n");
    const WitnessComparison found = world.compare();
    CHECK(found.state == WitnessState::differs);
    CHECK(found.line == 3);
  }
  SECTION("a line taken out") {
    put(world.file(), lines[0].line + "\n" + lines[2].line + "\n");
    const WitnessComparison found = world.compare();
    CHECK(found.state == WitnessState::damaged);
    CHECK(found.line == 2);
    CHECK_THAT(found.sentence, Contains(", line 2: ") && Contains("--new-witness"));
  }
  SECTION("one byte changed") {
    std::string edited = whole;
    edited[edited.find("\"plan\":\"p\"") + 8] = 'x';
    put(world.file(), edited);
    CHECK(world.compare().state == WitnessState::damaged);
    CHECK(world.compare().line == 2);
  }
  SECTION("gone") {
    fs::remove(world.file());
    CHECK(world.compare().state == WitnessState::missing);
    world.note();
    CHECK(world.database().witness_outbox().last()->seq == 3);
    CHECK_FALSE(fs::exists(world.file()));
  }
  SECTION("of another database") {
    const WitnessLine other = next_witness_line(
        std::nullopt,
        {.at = kTonight, .kind = std::string(kWitnessOfDatabase), .body = {{"database_id", "x"}}});
    put(world.file(), other.line + "\n");
    CHECK(world.compare().state == WitnessState::another_database);
  }
}

TEST_CASE("a witness file is refused where somebody else could have written it", "[witness]") {
  WitnessWorld world;
  world.note();
  const auto refused_with = [&](const std::string& words) {
    const WitnessComparison found = world.compare();
    CHECK(found.state == WitnessState::unreadable);
    CHECK_THAT(found.sentence, Contains(words));
    CHECK_THROWS_AS(
        world.witness().append("", [](const auto&) { return std::vector<std::string>{"x"}; }),
        JobError);
  };
  const fs::path away = world.file().string() + ".away";
  SECTION("a link") {
    fs::rename(world.file(), away);
    fs::create_symlink(away, world.file());
    refused_with("is a link");
  }
  SECTION("a second name") {
    fs::create_hard_link(world.file(), away);
    refused_with("hard link");
  }
  SECTION("a folder") {
    fs::rename(world.file(), away);
    fs::create_directory(world.file());
    refused_with(": is ");
  }
  SECTION("a pipe") {
    fs::rename(world.file(), away);
    REQUIRE(::mkfifo(world.file().c_str(), 0600) == 0);
    refused_with("is no file");
  }
  SECTION("others may read it") {
    fs::permissions(world.file(), fs::perms::group_read, fs::perm_options::add);
    refused_with("chmod 600");
  }
  SECTION("it belongs to somebody else") {
    if (::geteuid() == 0) {
      REQUIRE(::chown(world.file().c_str(), 12345, 12345) == 0);
      refused_with("belongs to user 12345");
    }
    SUCCEED("only root can give a file away");
  }
}

TEST_CASE("a file that cannot be made is warned about, and is begun when it can be", "[witness]") {
  JobWorld home;
  const auto database = home.open();
  const fs::path folder = home.path().parent_path() / "later";
  WitnessFile witness(folder / "witness");
  std::string warnings;
  const auto note = [&] {
    WitnessNotes notes(*database, &witness, [&](const std::string& line) { warnings += line; });
    in_write(*database, [&] { notes.note(kTonight, "approval", {{"plan", "p"}}); });
    notes.flush();
  };
  note();
  CHECK_THAT(warnings, Contains("witness_not_written: "));
  CHECK_FALSE(database->witness_outbox().last());
  fs::create_directory(folder);
  warnings.clear();
  note();
  CHECK(warnings.empty());
  CHECK(compare_witness(*database, witness).state == WitnessState::in_step);
  CHECK(witness.read().lines.size() == 2);
}

TEST_CASE("a new file keeps the old one beside it", "[witness]") {
  WitnessWorld world;
  world.note();
  const std::string whole = bytes_of(world.file());
  const std::string kept = world.witness().replace({"one", "two"});
  CHECK(bytes_of(world.file()) == "one\ntwo\n");
  CHECK(bytes_of(kept) == whole);
  CHECK(world.witness().replace({}) != kept);
}

TEST_CASE("a line whose text may not be kept keeps its place in the chain", "[witness]") {
  WitnessWorld world;
  world.note();
  world.note();
  const auto second = world.database().witness_outbox().find(2);
  REQUIRE(second);
  in_write(world.database(),
           [&] { world.database().witness_outbox().replace_text(2, withheld_line(*second)); });
  CHECK(world.compare().state == WitnessState::in_step);
  std::vector<std::string> lines;
  for (const WitnessLine& line : world.database().witness_outbox().since(0)) {
    lines.push_back(line.line);
  }
  CHECK(lines[1].find("plan") == std::string::npos);
  const WitnessChain chain = read_witness_chain(lines);
  REQUIRE(chain.bad_line == 0);
  CHECK(chain.lines[1].kind == kWithheld);
  (void)world.witness().replace(lines);
  CHECK(world.compare().state == WitnessState::in_step);
  std::swap(lines[1], lines[2]);
  CHECK(read_witness_chain(lines).bad_line == 2);
}

TEST_CASE("a line without its text is believed only where the database took the text out too",
          "[witness]") {
  WitnessWorld world;
  world.note();
  world.note();
  const std::vector<WitnessLine> lines = read_witness_chain(world.witness().read().lines).lines;
  REQUIRE(lines.size() == 3);
  put(world.file(), lines[0].line + "\n" + withheld_line(lines[1]) + "\n" + lines[2].line + "\n");
  const WitnessComparison found = world.compare();
  CHECK(found.state == WitnessState::damaged);
  CHECK(found.line == 2);
  CHECK_THAT(found.sentence, Contains(", line 2: its text was taken out"));
  CHECK(found.lines.size() == 3);
  // A line that the outbox does not have at all is no better.
  const WitnessLine more =
      next_witness_line(lines[2], {.at = kTonight, .kind = "hold", .body = {{"n", 1}}});
  put(world.file(),
      lines[0].line + "\n" + lines[1].line + "\n" + lines[2].line + "\n" + withheld_line(more) +
          "\n");
  CHECK(world.compare().state == WitnessState::damaged);
  CHECK(world.compare().line == 4);
}

TEST_CASE("a line of the outbox that was written to is found, whatever comes after it",
          "[witness]") {
  WitnessWorld world;
  world.note();
  world.note();
  WitnessOutbox& outbox = world.database().witness_outbox();
  const std::vector<WitnessLine> file = read_witness_chain(world.witness().read().lines).lines;
  REQUIRE(file.size() == 3);
  CHECK(first_rewritten_line(outbox, file) == 0);
  CHECK(first_rewritten_line(outbox, {}) == 0);
  const auto put_text = [&](const std::string& text) {
    in_write(world.database(), [&] { outbox.replace_text(2, text); });
    return first_rewritten_line(outbox, file);
  };
  const WitnessLine other =
      next_witness_line(file[0], {.at = kTonight, .kind = "approval", .body = {{"plan", "x"}}});
  CHECK(put_text(other.line) == 2);
  CHECK(put_text("") == 2);
  CHECK(put_text(withheld_line(file[1])) == 0);
  CHECK(put_text(withheld_line(other)) == 2);
  CHECK(put_text(file[1].line) == 0);
  CHECK(first_rewritten_line(outbox, {file[0], other}) == 2);
}

TEST_CASE("a hold that a run meets is noted once, and again when it changes", "[witness]") {
  WitnessWorld world;
  world.note();
  const LegalHold placed = hold(0, {.persons = {"u-1", "\xFF\xFE"}, .from = at("2026-01-01")});
  in_write(world.database(), [&] { (void)world.database().holds().place(placed); });
  world.open_notes().catch_up(kTonight);
  world.open_notes().catch_up(kTonight);
  REQUIRE(world.database().witness_outbox().last()->seq == 3);
  const auto body = witness_body(*world.database().witness_outbox().last());
  CHECK(body.at("deed") == "met");
  const LegalHold again = hold_of_witness(body.at("hold"));
  const LegalHold now = world.database().holds().all().front();
  CHECK(as_witnessed(again, now));
  CHECK(again.scope == now.scope);
  in_write(world.database(), [&] {
    REQUIRE(world.database().holds().release(now.id,
                                             {.who = "alice", .at = kTonight, .reason = "over"}));
  });
  world.open_notes().catch_up(kTonight);
  CHECK(world.database().witness_outbox().last()->seq == 4);
}

}  // namespace holdfast::testing
