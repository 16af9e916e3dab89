// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/hold_process.h"

#include <fcntl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill and sigaction are not in <csignal>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include "jobs/cli/descriptor.h"
#include "tests/jobs/temp_folder.h"

using namespace holdfast;
using namespace holdfast::testing;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

const Subject kAlice{.tenant = "acme", .person = "alice@example.com"};
constexpr std::string_view kClear =
    R"(echo '{"module":"crm","subject":"alice@example.com","status":"clear","holds":[]}')"
    "\n";

/// A module whose program is a shell script, in a folder of its own.
struct Scripted {
  TempFolder folder;
  fs::path program = folder / "crm-holds";
  ErasureModule module{.name = "crm", .holds_command = {program.string()}, .time_limit = 20s};

  explicit Scripted(std::string_view script) {
    write_text(program, "#!/bin/sh\n" + std::string{script});
    set_mode(program, 0755);
  }
  [[nodiscard]] ModuleReport ask(const Subject& subject = kAlice) const {
    return HoldProcess{}.ask(module, subject);
  }
};

bool has_children() {
  return ::waitpid(-1, nullptr, WNOHANG) != -1 || errno != ECHILD;
}

/// Whether the process is gone, or is a zombie that whoever inherited it has not fetched yet. A
/// signal takes a moment: looks again for two seconds.
bool is_gone(const std::string& number) {
  for (int look = 0; look < 200; ++look) {
    const std::string status = read_text("/proc/" + number + "/stat");
    if (status.empty() || status.find(") Z ") != std::string::npos ||
        status.find(") X ") != std::string::npos) {
      return true;
    }
    ::usleep(10'000);
  }
  return false;
}

void check_error(const ModuleReport& report, const std::string& part) {
  CHECK(report.module == "crm");
  CHECK((report.status == HoldStatus::error));
  CHECK(report.holds.empty());
  CHECK_THAT(report.problem, Catch::StartsWith("module \"crm\": ") && Catch::Contains(part));
  CHECK_FALSE(has_children());
}

std::chrono::milliseconds time_of(const Scripted& scripted, ModuleReport& report) {
  const auto start = std::chrono::steady_clock::now();
  report = scripted.ask();
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               start);
}

}  // namespace

TEST_CASE("a program that says clear, or lists holds, is believed", "[erasure][process]") {
  CHECK(Scripted{kClear}.ask() == ModuleReport{.module = "crm", .status = HoldStatus::clear});

  const Scripted holding{R"(echo '{"module":"crm","subject":"alice@example.com","status":"hold",)"
                         R"("holds":[{"id":"m-1","basis":"suit","locked":true}]}'; echo hm >&2)"};
  CHECK(holding.ask() == ModuleReport{.module = "crm",
                                      .status = HoldStatus::hold,
                                      .holds = {{.id = "m-1", .basis = "suit", .locked = true}}});
  CHECK_FALSE(has_children());
}

TEST_CASE("the question is one line of JSON, and arguments come as they are",
          "[erasure][process]") {
  Scripted scripted{"cat > \"$1\"; printf '%s|' \"$@\" >> \"$1\"\n" + std::string{kClear}};
  const std::string told = scripted.folder / "told";
  scripted.module.holds_command = {scripted.program.string(), told, "$HOME; exit 1", "-v", "-v"};

  CHECK((scripted.ask().status == HoldStatus::clear));
  CHECK(read_text(told) == R"({"module":"crm","subject":"alice@example.com","tenant":"acme"})"
                           "\n" +
                               told + "|$HOME; exit 1|-v|-v|");

  CHECK((scripted.ask({.tenant = "", .person = "a\"b\n"}).status == HoldStatus::error));
  CHECK_THAT(read_text(told),
             Catch::StartsWith(R"({"module":"crm","subject":"a\"b\n","tenant":null})"
                               "\n"));
}

TEST_CASE("a program need not listen, and a large question does not block", "[erasure][process]") {
  CHECK((Scripted{"exec < /dev/null; sleep 0.1\n" + std::string{kClear}}.ask().status ==
         HoldStatus::clear));
  const Subject long_name{.person = std::string(300'000, 'x')};
  check_error(Scripted{kClear}.ask(long_name), "another subject");
  check_error(Scripted{"cat > /dev/null\n" + std::string{kClear}}.ask(long_name),
              "another subject");
}

TEST_CASE("a subject that JSON cannot say is not asked about", "[erasure][process]") {
  check_error(Scripted{kClear}.ask({.person = "al\xff"}), "no UTF-8");
  check_error(Scripted{kClear}.ask({.tenant = "\xff", .person = "alice"}), "no UTF-8");
}

TEST_CASE("a program that hangs is ended at its time limit", "[erasure][process]") {
  for (const std::string script : {"exec sleep 60\n",
                                   "trap '' TERM HUP INT; while :; do sleep 1; done\n",
                                   "exec > /dev/null 2>&1; exec sleep 60\n",
                                   "kill -STOP $$\n"}) {
    CAPTURE(script);
    Scripted scripted{std::string{kClear} + script};
    scripted.module.time_limit = 400ms;
    ModuleReport report;
    const auto took = time_of(scripted, report);

    check_error(report, "after its time limit of 400 ms");
    CHECK(took >= 400ms);
    CHECK(took < 5s);
  }
}

TEST_CASE("a process that a program leaves behind neither answers nor stays",
          "[erasure][process]") {
  for (const std::string rest : {"exit 0\n", "wait\n"}) {
    CAPTURE(rest);
    Scripted scripted{
        "sh -c 'trap \"\" TERM; echo $$ > \"$0\"; while :; do sleep 1; done' \"$1\" &\n" +
        std::string{kClear} + rest};
    const std::string number = scripted.folder / "number";
    scripted.module.holds_command = {scripted.program.string(), number};
    scripted.module.time_limit = 1500ms;
    ModuleReport report;
    const auto took = time_of(scripted, report);

    check_error(report, "not closed its output");
    CHECK(took < 5s);
    const std::string left = read_text(number);
    REQUIRE_FALSE(left.empty());
    CHECK(is_gone(left.substr(0, left.size() - 1)));
  }
}

TEST_CASE("a process that leaves the group neither holds the question up nor stays",
          "[erasure][process]") {
  Scripted scripted{
      "setsid sh -c 'echo $$ > \"$0\"; exec sleep 10' \"$1\" &\n"
      "while ! [ -s \"$1\" ]; do :; done\n" +
      std::string{kClear}};
  const std::string number = scripted.folder / "number";
  scripted.module.holds_command = {scripted.program.string(), number};
  scripted.module.time_limit = 300ms;
  ModuleReport report;

  CHECK(time_of(scripted, report) < 8s);
  check_error(report, "not closed its output");
  const std::string left = read_text(number);
  REQUIRE_FALSE(left.empty());
  CHECK(is_gone(left.substr(0, left.size() - 1)));
}

TEST_CASE("children that this process had before are left alone", "[erasure][process]") {
  const pid_t own = ::fork();
  if (own == 0) {
    ::pause();
    ::_exit(0);
  }
  const ModuleReport report = Scripted{kClear}.ask();

  CHECK((report.status == HoldStatus::clear));
  CHECK(::kill(own, 0) == 0);
  ::kill(own, SIGKILL);
  CHECK(::waitpid(own, nullptr, 0) == own);
}

TEST_CASE("a program that closed its outputs may leave something behind, which is ended",
          "[erasure][process]") {
  Scripted scripted{
      "sh -c 'echo $$ > \"$0\"; exec sleep 60' \"$1\" > /dev/null 2>&1 &\n"
      "while ! [ -s \"$1\" ]; do :; done\n" +
      std::string{kClear}};
  const std::string number = scripted.folder / "number";
  scripted.module.holds_command = {scripted.program.string(), number};

  CHECK((scripted.ask().status == HoldStatus::clear));
  const std::string left = read_text(number);
  REQUIRE_FALSE(left.empty());
  CHECK(is_gone(left.substr(0, left.size() - 1)));
}

TEST_CASE("a crash, an exit status and garbage are no answer", "[erasure][process]") {
  const std::string clear{kClear};
  check_error(Scripted{clear + "kill -SEGV $$\n"}.ask(), "ended by signal 11");
  check_error(Scripted{clear + "exit 3\n"}.ask(), "exit status 3");
  check_error(Scripted{clear + "exit 127\n"}.ask(), "exit status 127");
  check_error(Scripted{"echo clear\n"}.ask(), "no JSON object");
  check_error(Scripted{"exit 0\n"}.ask(), "is empty");
  check_error(Scripted{clear + clear}.ask(), "no JSON object");
  check_error(Scripted{kClear}.ask({.person = "bob"}), "another subject");
  Scripted other{kClear};
  other.module.name = "billing";
  CHECK(other.ask().problem == "module \"billing\": its answer is that of another module");
}

TEST_CASE("output without end is cut off, and complaints without end are dropped",
          "[erasure][process]") {
  check_error(Scripted{"exec cat /dev/zero\n"}.ask(), "more than 256 KiB");
  check_error(Scripted{"head -c 3000000 /dev/zero >&2; exit 1\n"}.ask(), "exit status 1");
  CHECK((Scripted{"head -c 3000000 /dev/zero >&2\n" + std::string{kClear}}.ask().status ==
         HoldStatus::clear));
}

TEST_CASE("what a failing program says stands in the problem, without the subject",
          "[erasure][process]") {
  const ModuleReport report =
      Scripted{
          "printf 'no such user: ALICE@example.com\\nnor \"alice@example.com\"\\n' >&2\n"
          "exit 1\n"}
          .ask();

  check_error(report, R"(; it said: no such user: [subject] nor "[subject]")");
  CHECK_THAT(report.problem, !Catch::Contains("example.com", Catch::CaseSensitive::No));
  check_error(Scripted{"echo 'disk full' >&2\n"}.ask(), "its answer is empty; it said: disk full");
}

TEST_CASE("a name is taken out in every form, also where the text was cut", "[erasure][process]") {
  const std::string filler(4090, '.');

  CHECK(without_person("a zoe\tb Zo\xC3\xAB\x01", "Zo\xC3\xAB") == "a zoe b [subject]");
  CHECK(without_person(R"(in {"who":"a\"b\\c"} a"b\c)", R"(a"b\c)") ==
        R"(in {"who":"[subject]"} [subject])");
  CHECK(without_person(R"(zo\u00EB)", "zo\xC3\xAB") == "[subject]");
  CHECK(without_person(filler + "alice@example.com, and more", "alice@example.com") ==
        filler + "[subject]");
  CHECK(without_person(filler + "......alice", "alice") == filler + "......");
  CHECK(without_person("\xff", "alice") == "\\xff");
  CHECK(without_person("alice", "") == "alice");
}

TEST_CASE("a program sees a clean environment, folder and descriptors, and default signals",
          "[erasure][process]") {
  Scripted scripted{
      "tr '\\0' '\\n' < /proc/$$/environ > \"$1\"; pwd >> \"$1\"\n"
      "for n in 3 4 5 6 7 8 9 57; do if [ -e /proc/$$/fd/$n ]; then echo open $n; fi; done >> $1\n"
      "grep -E 'SigBlk|SigIgn' /proc/self/status >> \"$1\"; ulimit -c >> \"$1\"; umask >> \"$1\"\n" +
      std::string{kClear}};
  const std::string told = scripted.folder / "told";
  scripted.module.holds_command = {scripted.program.string(), told};
  REQUIRE(::dup2(STDERR_FILENO, 57) == 57);
  const Descriptor inheritable{57};
  struct sigaction ignored {};
  struct sigaction before {};
  ignored.sa_handler = SIG_IGN;
  REQUIRE(::sigaction(SIGHUP, &ignored, &before) == 0);

  CHECK((scripted.ask().status == HoldStatus::clear));
  ::sigaction(SIGHUP, &before, nullptr);
  CHECK(read_text(told) ==
        "PATH=/usr/bin:/bin\nLANG=C.UTF-8\n/\n"
        "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n0\n0077\n");
}

TEST_CASE("the caller's descriptors 0 to 3 may be closed, and its signals stay",
          "[erasure][process]") {
  struct sigaction ignored {};
  struct sigaction before {};
  ignored.sa_handler = SIG_IGN;
  REQUIRE(::sigaction(SIGCHLD, &ignored, &before) == 0);
  const Scripted scripted{"cat > /dev/null\n" + std::string{kClear}};
  const Descriptor kept{::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 100)};
  ::close(STDIN_FILENO);
  const ModuleReport report = scripted.ask();
  ::dup2(kept.number(), STDIN_FILENO);

  CHECK((report.status == HoldStatus::clear));
  struct sigaction after {};
  ::sigaction(SIGCHLD, &before, &after);
  CHECK((after.sa_handler == SIG_IGN));
}

TEST_CASE("a program that takes memory without end does not get it", "[erasure][process]") {
  // tail keeps a line until it ends, and this one never does.
  const ModuleReport report =
      Scripted{"tail -n 1 /dev/zero > /dev/null && " + std::string{kClear}}.ask();

  CHECK((report.status == HoldStatus::error));
  CHECK_THAT(report.problem, Catch::Contains("exit status 1") || Catch::Contains("signal"));
  CHECK_THAT(report.problem, !Catch::Contains("time limit"));
}

TEST_CASE("a program that is not there, or is none, is not run", "[erasure][process]") {
  Scripted scripted{kClear};
  const std::string program = scripted.program.string();
  scripted.module.holds_command = {};
  check_error(scripted.ask(), "no program to ask");
  scripted.module.holds_command = {program + "-not"};
  check_error(scripted.ask(), "No such file");
  scripted.module.holds_command = {"crm-holds"};
  check_error(scripted.ask(), "no absolute path");
  scripted.module.holds_command = {scripted.folder.path().string()};
  check_error(scripted.ask(), "is no file");
  scripted.module.holds_command = {program};
  set_mode(program, 0644);
  check_error(scripted.ask(), "cannot be started: Permission denied");
  set_mode(program, 0755);
  write_text(program, kClear);
  check_error(scripted.ask(), "cannot be started: Exec format error");
  write_text(program, "#!/not/there\n");
  check_error(scripted.ask(), "cannot be started: No such file");
}

TEST_CASE("a program that others could have changed is not run", "[erasure][process]") {
  Scripted scripted{kClear};
  for (const mode_t mode : {0775U, 0757U}) {
    set_mode(scripted.program, mode);
    check_error(scripted.ask(), "crm-holds may be written by its group or by others");
  }
  set_mode(scripted.program, 0755);
  for (const mode_t mode : {0775U, 0757U}) {
    set_mode(scripted.folder.path(), mode);
    check_error(scripted.ask(), "may be written by its group or by others");
  }
  set_mode(scripted.folder.path(), 0755);
  CHECK((scripted.ask().status == HoldStatus::clear));

  const fs::path open_folder = scripted.folder / "open";
  fs::create_directories(open_folder / "inner");
  set_mode(open_folder, 0777);
  fs::copy(scripted.program, open_folder / "inner" / "program");
  fs::create_symlink(scripted.program, open_folder / "link");
  scripted.module.holds_command = {(open_folder / "inner" / "program").string()};
  check_error(scripted.ask(), "open may be written");
  scripted.module.holds_command = {(open_folder / "link").string()};
  check_error(scripted.ask(), "open may be written");
}

TEST_CASE("a program or folder of a third user is not trusted", "[erasure][process]") {
  if (::geteuid() != 0) {
    WARN("skipped: only root can give files away");
    return;
  }
  Scripted scripted{kClear};
  REQUIRE(::chown(scripted.program.c_str(), 12345, 0) == 0);
  check_error(scripted.ask(), "belongs to user 12345");
  REQUIRE(::chown(scripted.program.c_str(), 0, 0) == 0);
  REQUIRE(::chown(scripted.folder.path().c_str(), 12345, 0) == 0);
  check_error(scripted.ask(), "belongs to user 12345");
}
