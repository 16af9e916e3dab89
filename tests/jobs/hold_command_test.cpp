// SPDX-License-Identifier: Apache-2.0
#include "jobs/hold_command.h"

#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "policy/instant.h"

using namespace holdfast;

namespace {

const ErasureModule kCrm{.name = "crm"};
const Subject kAlice{.tenant = "acme", .person = "alice@example.com"};

ModuleReport report_of(const std::string& printed) {
  return parse_module_answer(printed, kCrm, kAlice);
}

/// An answer of the right module about the right subject.
std::string answer(std::string_view status, std::string_view holds) {
  return R"({"module":"crm","subject":"alice@example.com","status":")" + std::string{status} +
         R"(","holds":)" + std::string{holds} + "}";
}

/// An answer with one hold.
std::string hold_answer(std::string_view hold) {
  return answer("hold", '[' + std::string{hold} + ']');
}

/// The report of an answer that does not count.
ModuleReport fault(const std::string& sentence) {
  return {.module = "crm",
          .status = HoldStatus::error,
          .problem = "module \"crm\": its answer " + sentence};
}

}  // namespace

TEST_CASE("clear counts where it is said in so many words", "[erasure][modules]") {
  const ModuleReport clear{.module = "crm", .status = HoldStatus::clear};

  CHECK(report_of(answer("clear", "[]")) == clear);
  CHECK(report_of("\n " + answer("clear", "[]") + "\r\n") == clear);
  // A newer module may say more than we read.
  CHECK(report_of(R"({"version":[1,{"minor":2}],"module":"crm","subject":"alice@example.com",)"
                  R"("status":"clear","holds":[]})") == clear);
}

TEST_CASE("holds come with all they say, in their order", "[erasure][modules]") {
  const ModuleReport report =
      report_of(answer("hold",
                       R"([{"id":"m-2","basis":"invoice, 10 years","locked":false,)"
                       R"("review_by":"2027-03-01"},)"
                       R"({"id":"m-1","basis":"","locked":true,"review_by":null},)"
                       R"({"id":"ü","basis":"b","locked":false}])"));

  CHECK(report == ModuleReport{.module = "crm",
                               .status = HoldStatus::hold,
                               .holds = {{.id = "m-2",
                                          .basis = "invoice, 10 years",
                                          .review_by = parse_rfc3339("2027-03-01").value()},
                                         {.id = "m-1", .locked = true},
                                         {.id = "ü", .basis = "b"}}});
}

TEST_CASE("what is no answer is an error that names the module", "[erasure][modules]") {
  CHECK(report_of("") == fault("is empty"));
  CHECK(report_of(" \n") == fault("is empty"));
  for (const std::string& printed : {std::string{"clear"},
                                     std::string{"[]"},
                                     std::string{"null"},
                                     std::string{"\"clear\""},
                                     std::string{"{"},
                                     std::string{"{} {}"},
                                     std::string{"\xff\xfe"},
                                     std::string(1, '\0'),
                                     answer("clear", "[]") + "x",
                                     answer("clear", "[]") + std::string(1, '\0'),
                                     answer("clear", "[]") + answer("clear", "[]"),
                                     answer("clear", "[],"),
                                     answer("clear\xff", "[]"),
                                     "// fine\n" + answer("clear", "[]")}) {
    CAPTURE(printed);
    CHECK(report_of(printed) == fault("is no JSON object"));
  }
}

TEST_CASE("hostile depth and size end in an error", "[erasure][modules]") {
  CHECK(report_of(std::string(200'000, '[')) == fault("is nested too deeply"));
  CHECK(report_of(R"({"a":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}") ==
        fault("is nested too deeply"));
  std::string objects;
  for (int i = 0; i < 40'000; ++i) {
    objects += R"({"a":)";
  }
  CHECK(report_of(objects) == fault("is nested too deeply"));
  CHECK(report_of(answer("clear", "[]") + std::string(262'144, ' ')) ==
        fault("is larger than 256 KiB"));
  std::string many;
  for (int i = 0; i < 1001; ++i) {
    many += (many.empty() ? "" : ",") + std::string{R"({"id":")"} + std::to_string(i) +
            R"(","basis":"b","locked":false})";
  }
  CHECK(report_of(answer("hold", '[' + many + ']')) ==
        fault("has \"holds\" that are no array, or more than 1000"));
  CHECK(report_of(hold_answer(R"({"id":1e999,"basis":"b","locked":false})")).status ==
        HoldStatus::error);
}

TEST_CASE("an answer of somebody else, or about somebody else, does not count",
          "[erasure][modules]") {
  CHECK(
      report_of(R"({"module":"CRM","subject":"alice@example.com","status":"clear","holds":[]})") ==
      fault("is that of another module"));
  CHECK(report_of(R"({"module":["crm"],"subject":"alice@example.com","status":"clear",)"
                  R"("holds":[]})") == fault("is that of another module"));
  for (const std::string subject : {R"("bob")",
                                    R"("Alice@example.com")",
                                    R"("")",
                                    "null",
                                    "1",
                                    R"("alice@example.com\u0000")"}) {
    CAPTURE(subject);
    CHECK(report_of(R"({"module":"crm","subject":)" + subject +
                    R"(,"status":"clear","holds":[]})") == fault("is about another subject"));
  }
}

TEST_CASE("whatever is missing is an error", "[erasure][modules]") {
  CHECK(report_of("{}") == fault(R"(has no "module")"));
  CHECK(report_of(R"({"module":"crm"})") == fault(R"(has no "subject")"));
  CHECK(report_of(R"({"module":"crm","subject":"alice@example.com"})") ==
        fault(R"(has no "status")"));
  CHECK(report_of(R"({"module":"crm","subject":"alice@example.com","status":"clear"})") ==
        fault(R"(has no "holds")"));
  CHECK(report_of(hold_answer(R"({"basis":"b","locked":true})")) == fault(R"(has no "id")"));
  CHECK(report_of(hold_answer(R"({"id":"1","locked":true})")) == fault(R"(has no "basis")"));
  CHECK(report_of(hold_answer(R"({"id":"1","basis":"b"})")) == fault(R"(has no "locked")"));
}

TEST_CASE("a status that is none of the three is an error, and so is error itself",
          "[erasure][modules]") {
  for (const std::string_view status : {"", "Clear", "ok", "CLEAR ", "clear, hold"}) {
    CAPTURE(status);
    CHECK(report_of(answer(status, "[]")) ==
          fault(R"(has a "status" other than "clear", "hold" and "error")"));
  }
  CHECK(report_of(R"({"module":"crm","subject":"alice@example.com","status":true,"holds":[]})")
            .status == HoldStatus::error);
  CHECK(report_of(answer("error", "[]")) == fault("says that it does not know"));
  CHECK(report_of(R"({"module":"crm","subject":"alice@example.com","status":"error"})") ==
        fault("says that it does not know"));
}

TEST_CASE("an answer that contradicts itself is an error", "[erasure][modules]") {
  const std::string hold = R"({"id":"1","basis":"b","locked":false})";

  CHECK(report_of(answer("clear", '[' + hold + ']')) == fault("says \"clear\" and lists holds"));
  CHECK(report_of(answer("hold", "[]")) == fault("says \"hold\" and lists none"));
  CHECK(report_of(hold_answer(hold + ',' + hold)) == fault("has two holds with one \"id\""));
  CHECK(report_of(R"({"module":"crm","subject":"alice@example.com","status":"hold",)"
                  R"("status":"clear","holds":[]})") == fault("has a key twice"));
  CHECK(report_of(hold_answer(R"({"id":"1","basis":"b","locked":true,"locked":false})")) ==
        fault("has a key twice"));
}

TEST_CASE("values of wrong types are errors", "[erasure][modules]") {
  for (const std::string_view holds : {"null", "{}", "0", R"("none")", "false"}) {
    CAPTURE(holds);
    CHECK(report_of(answer("clear", holds)) ==
          fault("has \"holds\" that are no array, or more than 1000"));
  }
  for (const std::string_view hold : {R"("1")",
                                      "1",
                                      "null",
                                      "[]",
                                      R"({"id":1,"basis":"b","locked":false})",
                                      R"({"id":"","basis":"b","locked":false})",
                                      R"({"id":"a\nb","basis":"b","locked":false})",
                                      R"({"id":"1","basis":null,"locked":false})",
                                      R"({"id":"1","basis":"b\u0007","locked":false})",
                                      R"({"id":"1","basis":"b","locked":"false"})",
                                      R"({"id":"1","basis":"b","locked":0})",
                                      R"({"id":"1","basis":"b","locked":null})"}) {
    CAPTURE(hold);
    CHECK(report_of(hold_answer(hold)).status == HoldStatus::error);
    CHECK(report_of(hold_answer(hold)).holds.empty());
  }
  CHECK(report_of(
            hold_answer(R"({"id":")" + std::string(257, 'x') + R"(","basis":"b","locked":false})"))
            .status == HoldStatus::error);
}

TEST_CASE("a review date that cannot be read is an error", "[erasure][modules]") {
  for (const std::string_view review : {R"("")",
                                        R"("soon")",
                                        R"("2027-02-29")",
                                        R"("2027-03-01T10:00:00")",
                                        "20270301",
                                        "[]",
                                        "false"}) {
    CAPTURE(review);
    const ModuleReport report = report_of(hold_answer(
        R"({"id":"1","basis":"b","locked":false,"review_by":)" + std::string{review} + "}"));
    CHECK(report.status == HoldStatus::error);
    CHECK_THAT(report.problem, Catch::Contains("review_by"));
  }
}

TEST_CASE("a problem never names the subject, nor whom the answer names", "[erasure][modules]") {
  for (const std::string printed :
       {R"({"module":"alice@example.com"})",
        R"({"module":"crm","subject":"bob@example.com","status":"clear","holds":[]})",
        R"({"module":"crm","subject":"alice@example.com","status":"alice@example.com is held"})",
        "alice@example.com: no such user"}) {
    CAPTURE(printed);
    CHECK(report_of(printed).status == HoldStatus::error);
    CHECK_THAT(report_of(printed).problem, !Catch::Contains("@example.com"));
  }
}
