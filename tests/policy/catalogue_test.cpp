// SPDX-License-Identifier: Apache-2.0
#include "policy/catalogue.h"

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include <catch2/catch.hpp>

using namespace holdfast;

namespace {

std::string text_of(const std::string& path) {
  const std::ifstream file{path};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("the catalogue has 84 codes in 12 categories", "[catalogue]") {
  const Catalogue catalogue = Catalogue::built_in();
  REQUIRE(catalogue.codes().size() == 84);
  REQUIRE(catalogue.categories().size() == 12);
  CHECK(catalogue.aliases().empty());
  CHECK(catalogue.codes().front().code == "ACCOUNT_PROFILE_UPDATE");
  CHECK(catalogue.codes().back().code == "ACCOUNT_DELETION_COOLOFF_BLOCKED");
  std::set<std::string> used;
  for (const AuditCode& each : catalogue.codes()) {
    CAPTURE(each.code);
    CHECK(catalogue.find(each.code) == &each);
    CHECK_FALSE(each.description.empty());
    REQUIRE(catalogue.find_category(each.category) != nullptr);
    used.insert(each.category);
  }
  CHECK(used.size() == 12);
}

TEST_CASE("the categories have the slugs that a config may name", "[catalogue]") {
  const Catalogue catalogue = Catalogue::built_in();
  std::string slugs;
  for (const AuditCategory& each : catalogue.categories()) {
    slugs += each.slug + ' ';
  }
  CHECK(slugs ==
        "account sessions mfa webauthn step-up saml scim network-policy attestation-policy webhooks"
        " audit-retention data-erasure ");
  CHECK(catalogue.find_category("mfa") == catalogue.find_category("Multi-factor authentication"));
  CHECK(catalogue.find_category("MFA") == nullptr);
  CHECK(catalogue.find_category("") == nullptr);
}

TEST_CASE("known codes have their category and severity", "[catalogue]") {
  const Catalogue catalogue = Catalogue::built_in();
  const AuditCode* const overridden = catalogue.find("ACCOUNT_DELETION_HOLDS_OVERRIDDEN");
  REQUIRE(overridden != nullptr);
  CHECK(overridden->category == "data-erasure");
  CHECK(overridden->severity == Severity::critical);
  const AuditCode* const completed = catalogue.find("AUDIT_PRUNE_RUN_COMPLETED");
  REQUIRE(completed != nullptr);
  CHECK(completed->category == "audit-retention");
  CHECK(completed->severity == Severity::info);
  CHECK(catalogue.find("audit_prune_run_completed") == nullptr);
  CHECK(catalogue.find("") == nullptr);
}

TEST_CASE("the codes are those of the reference table where that is at hand", "[catalogue]") {
  Catalogue reference = Catalogue::categories_only();
  CHECK(reference.codes().empty());
  const auto read =
      reference.extend(text_of(HOLDFAST_TEST_DIR "/../../shared/reference/audit_codes.tsv"));
  REQUIRE(read.has_value());
  const Catalogue catalogue = Catalogue::built_in();
  for (std::size_t i = 0; i < reference.codes().size(); ++i) {
    CAPTURE(reference.codes()[i].code);
    CHECK(catalogue.codes().at(i).code == reference.codes()[i].code);
    CHECK(catalogue.codes().at(i).category == reference.codes()[i].category);
    CHECK(catalogue.codes().at(i).severity == reference.codes()[i].severity);
    CHECK(catalogue.codes().at(i).description != reference.codes()[i].description);
  }
}

TEST_CASE("a table of one's own adds codes and categories", "[catalogue]") {
  Catalogue catalogue = Catalogue::categories_only();
  const auto added = catalogue.extend(
      "# our own\r\n"
      "\n"
      "category\tcode\tseverity\tdescription\r\n"
      "mfa\t1000\tNotice\tlogged in\r\n"
      "Event webhooks\tHOOK\tInfo\t\n"
      "Vault -- Items, 2nd!\titem viewed\tCritical\tan item\n"
      "vault-items-2nd\titem_changed\tWarning\tan item\n"
      "Scim\tTHEIRS\tInfo\ta category under another spelling of its slug");
  REQUIRE(added.has_value());
  REQUIRE(catalogue.codes().size() == 5);
  CHECK(catalogue.find("1000")->category == "mfa");
  CHECK(catalogue.find("1000")->description == "logged in");
  CHECK(catalogue.find("HOOK")->category == "webhooks");
  CHECK(catalogue.find("HOOK")->description.empty());
  CHECK(catalogue.find("item viewed")->severity == Severity::critical);
  CHECK(catalogue.find("item_changed")->category == "vault-items-2nd");
  CHECK(catalogue.find("THEIRS")->category == "scim");
  REQUIRE(catalogue.categories().size() == 13);
  CHECK(catalogue.categories().back().slug == "vault-items-2nd");
  CHECK(catalogue.categories().back().name == "Vault -- Items, 2nd!");
}

TEST_CASE("a code that comes again under its category takes the new words", "[catalogue]") {
  Catalogue catalogue = Catalogue::built_in();
  REQUIRE(catalogue.extend("account\tACCOUNT_PAT_CREATED\tCritical\tours").has_value());
  CHECK(catalogue.codes().size() == 84);
  CHECK(catalogue.find("ACCOUNT_PAT_CREATED")->severity == Severity::critical);
  CHECK(catalogue.find("ACCOUNT_PAT_CREATED")->description == "ours");
}

TEST_CASE("a faulty table is refused with its line and changes nothing", "[catalogue]") {
  struct Case {
    std::string tsv;
    const char* why;
  };
  const auto each = GENERATE(values<Case>({
      {"mfa\tX\tInfo\td\nmfa\tY\tInfo", "line 2: not four fields"},
      {"mfa\tX\tInfo\td\n\n# note\nmfa\tY\tInfo\td\te", "line 4: not four fields"},
      {"mfa\tX\tInfo\td\nmfa\tY\tinfo\td", "line 2: severity \"info\" is none of"},
      {"mfa\tX\tInfo\td\nmfa\t\tInfo\td", "line 2: code \"\" is empty"},
      {"mfa\t X\tInfo\td", "line 1: code \" X\" is empty, or begins or ends with a blank"},
      {"\tX\tInfo\td", "line 1: category \"\" is empty"},
      {"mfa \tX\tInfo\td", "line 1: category \"mfa \" is empty, begins or ends"},
      {"!?\tX\tInfo\td", "line 1: category \"!?\" is empty"},
      {"new one\tX\tInfo\td\nmfa\tX\tInfo\td", "line 2: code \"X\" exists already in category"},
      {"mfa\tACCOUNT_PAT_CREATED\tNotice\td",
       "line 1: code \"ACCOUNT_PAT_CREATED\" exists already in category \"account\""},
      {"account\tTOKEN\tNotice\td", "line 1: code \"TOKEN\" is an alias already"},
      {"mfa\tX\tInfo\td\ncategory\tcode\tseverity\tdescription", "line 2: severity \"severity\""},
  }));
  Catalogue catalogue = Catalogue::built_in();
  REQUIRE(catalogue.add_alias("TOKEN", "ACCOUNT_PAT_CREATED").has_value());
  const auto added = catalogue.extend(each.tsv);
  REQUIRE_FALSE(added.has_value());
  CHECK_THAT(added.error(), Catch::StartsWith(each.why));
  CHECK(catalogue.codes().size() == 84);
  CHECK(catalogue.categories().size() == 12);
  CHECK(catalogue.find("X") == nullptr);
  CHECK(catalogue.find("ACCOUNT_PAT_CREATED")->category == "account");
}

TEST_CASE("an alias finds the entry of its code", "[catalogue]") {
  Catalogue catalogue = Catalogue::built_in();
  REQUIRE(catalogue.add_alias("MFA_V1", "ACCOUNT_MFA_ENROLLED").has_value());
  REQUIRE(catalogue.add_alias("A_FIRST", "MFA_V1").has_value());
  CHECK(catalogue.find("MFA_V1") == catalogue.find("ACCOUNT_MFA_ENROLLED"));
  CHECK(catalogue.find("A_FIRST") == catalogue.find("ACCOUNT_MFA_ENROLLED"));
  REQUIRE(catalogue.aliases().size() == 2);
  CHECK(catalogue.aliases().begin()->first == "A_FIRST");
  CHECK(catalogue.aliases().begin()->second == "ACCOUNT_MFA_ENROLLED");
  CHECK(catalogue.codes().size() == 84);

  const Catalogue copy = catalogue;
  CHECK(copy.find("MFA_V1") == copy.find("ACCOUNT_MFA_ENROLLED"));
  CHECK(copy.find("MFA_V1") != catalogue.find("MFA_V1"));
}

TEST_CASE("an alias that would change what a code means is refused", "[catalogue]") {
  Catalogue catalogue = Catalogue::built_in();
  REQUIRE(catalogue.add_alias("V1", "ACCOUNT_MFA_ENROLLED").has_value());
  CHECK(catalogue.add_alias("V1", "ACCOUNT_MFA_ENROLLED").has_value());
  CHECK_THAT(catalogue.add_alias("V2", "NO_SUCH_CODE").error(),
             Catch::Contains("unknown code \"NO_SUCH_CODE\""));
  CHECK_THAT(catalogue.add_alias("ACCOUNT_PAT_CREATED", "ACCOUNT_PAT_REVOKED").error(),
             Catch::Contains("\"ACCOUNT_PAT_CREATED\" is a code itself"));
  CHECK_THAT(catalogue.add_alias("V1", "ACCOUNT_PAT_REVOKED").error(),
             Catch::Contains("already an alias of \"ACCOUNT_MFA_ENROLLED\""));
  CHECK_THAT(catalogue.add_alias("", "ACCOUNT_PAT_REVOKED").error(), Catch::Contains("empty"));
  CHECK(catalogue.aliases().size() == 1);
  CHECK(catalogue.find("ACCOUNT_PAT_CREATED")->code == "ACCOUNT_PAT_CREATED");
}

TEST_CASE("a severity is read back from its token", "[catalogue]") {
  CHECK(to_token(Severity::info) == "Info");
  CHECK(to_token(Severity::critical) == "Critical");
  CHECK(parse_severity("Notice") == Severity::notice);
  CHECK(parse_severity("Warning") == Severity::warning);
  CHECK_FALSE(parse_severity("warning").has_value());
}
