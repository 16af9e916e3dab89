// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "jobs/cli/config_file.h"
#include "tests/jobs/config_texts.h"

using namespace holdfast;
using namespace holdfast::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kEverything = R"toml(
[database]
path = "data/audit.db"

[catalogue]
aliases = { MFA_ENROLLED_V1 = "ACCOUNT_MFA_ENROLLED" }

[identity]
services = ["portal", "support-desk"]

[erasure]
cool_off = "21 days"
keys = "../keys/"

[erasure.keep_metadata]
"*" = ["ip_country", "channel"]
MFA_ENROLLED_V1 = ["method"]
ACCOUNT_PAT_CREATED = []

[[erasure.module]]
name = "crm"
tables = [
  { table = "contacts", subject = "user_id", tenant = "tenant", action = "delete" },
  { table = "orders", subject = "buyer", action = "redact", columns = { email = "null", name = "token" } },
  { table = "orders", subject = "seller", action = "redact", columns = { SELLER = "null" } },
]
holds_command = ["/usr/local/bin/crm-holds", "-v", "-v"]
time_limit = "1500ms"

[[erasure.module]]
name = "billing"
tables = [{ table = "invoices", subject = "customer", action = "redact", columns = { city = "null" } }]
holds_sql = "SEL id FROM holds"

[[erasure.module]]
name = "mail"
tables = [{ table = "letters", subject = "to", action = "delete" }]
holds = "none"

[[erasure.module]]
name = "legal"
holds_command = ["/opt/legal/ask"]
)toml";

/// A module that is complete but for `rest`, which starts at line 5.
std::string with_module(std::string_view rest) {
  return with_database("[[erasure.module]]\nname = \"crm\"\n" + std::string{rest});
}

/// One table of a module that has no holds, at line 6.
std::string with_table(std::string_view table) {
  return with_module("holds = \"none\"\ntables = [" + std::string{table} + "]");
}

std::string treatments(const ModuleTable& table) {
  std::string list;
  for (const TreatedColumn& column : table.columns) {
    list += column.column + (column.treatment == Treatment::null ? "=null " : "=token ");
  }
  return list;
}

}  // namespace

TEST_CASE("the section of erasure is read whole", "[config][erasure]") {
  const Settings settings = parse_config(std::string{kEverything}, "/etc/holdfast/holdfast.toml");
  const ErasureSettings& erasure = settings.erasure;

  CHECK(settings.trusted_services == std::set<std::string>{"portal", "support-desk"});
  CHECK(erasure.cool_off == 21 * 24h);
  CHECK(erasure.key_folder == "/etc/keys");
  CHECK(erasure.keep_metadata.size() == 3);
  CHECK(erasure.keep_metadata.at("*") == std::set<std::string>{"channel", "ip_country"});
  CHECK(erasure.keep_metadata.at("ACCOUNT_MFA_ENROLLED") == std::set<std::string>{"method"});
  CHECK(erasure.keep_metadata.at("ACCOUNT_PAT_CREATED").empty());
  REQUIRE(erasure.modules.size() == 4);
  CHECK(erasure.modules[0].name == "crm");
  CHECK(erasure.modules[1].name == "billing");
  CHECK(erasure.modules[3].tables.empty());
}

TEST_CASE("a module says who is asked, and for how long", "[config][erasure]") {
  const auto modules = parse_config(std::string{kEverything}, "h.toml").erasure.modules;

  CHECK(modules.at(0).holds_command ==
        std::vector<std::string>{"/usr/local/bin/crm-holds", "-v", "-v"});
  CHECK(modules.at(0).time_limit == 1500ms);
  CHECK(modules.at(0).holds_sql.empty());
  CHECK_FALSE(modules.at(0).says_no_holds);
  CHECK(modules.at(1).holds_sql == "SEL id FROM holds");
  CHECK(modules.at(1).time_limit == 10s);
  CHECK(modules.at(1).holds_command.empty());
  CHECK(modules.at(2).says_no_holds);
}

TEST_CASE("a table says what becomes of it, its subject's column always among that",
          "[config][erasure]") {
  const auto modules = parse_config(std::string{kEverything}, "h.toml").erasure.modules;
  const std::vector<ModuleTable>& tables = modules.at(0).tables;
  REQUIRE(tables.size() == 3);

  CHECK(tables[0].table == "contacts");
  CHECK(tables[0].subject == "user_id");
  CHECK(tables[0].tenant == "tenant");
  CHECK((tables[0].action == ModuleAction::remove));
  CHECK(treatments(tables[0]).empty());
  CHECK((tables[1].action == ModuleAction::redact));
  CHECK(tables[1].tenant == std::nullopt);
  CHECK(treatments(tables[1]) == "email=null name=token buyer=token ");
  CHECK(treatments(tables[2]) == "SELLER=null ");
  CHECK(treatments(modules.at(1).tables.at(0)) == "city=null customer=token ");
}

TEST_CASE("without a section of erasure the defaults stand", "[config][erasure]") {
  const Settings settings = parse_config(with_database(""), "h.toml");

  CHECK(settings.erasure.cool_off == 14 * 24h);
  CHECK(settings.erasure.key_folder.empty());
  CHECK(settings.erasure.keep_metadata.empty());
  CHECK(settings.erasure.modules.empty());
  CHECK(settings.trusted_services.empty());
}

TEST_CASE("a problem of the section is told with its place", "[config][erasure][refusal]") {
  struct BadInput {
    std::string text;
    std::string refusal;  ///< after "holdfast.toml:"
  };
  const std::string days = " is no number of whole days: write \"1 day\", \"30 days\" or more";
  const std::vector<BadInput> inputs{
      {"[erasure]\ncool_off = \"0 days\"", "4: erasure.cool_off: \"0 days\"" + days},
      {"[erasure]\ncool_off = \"23h\"", "4: erasure.cool_off: \"23h\"" + days},
      {"[erasure]\ncool_off = 14", R"(4: erasure.cool_off: 14 is an integer: write "14 days")"},
      {"[erasure]\ncooloff = \"1 day\"",
       R"(4: erasure.cooloff: no such key (did you mean "cool_off"?))"},
      {"[erasure]\nkeys = true",
       R"(4: erasure.keys: true is a yes or no: write "/var/lib/holdfast/keys")"},
      {"[erasure]\nmodules = []", R"(4: erasure.modules: no such key (did you mean "module"?))"},
      {"[erasure]\nmodule = 1",
       R"(4: erasure.module: 1 is an integer: write [[erasure.module]] with name = "crm" under it)"},
      {"[identity]\nservices = \"portal\"",
       R"(4: identity.services: "portal" is a text: write an array of texts, such as ["one",)"
       R"( "two"])"},
      {"[identity]\nservice = [\"portal\"]",
       R"(4: identity.service: no such key (did you mean "services"?))"},
      {"[erasure.keep_metadata]\nACCOUNT_PAT_CREATD = [\"x\"]",
       R"(4: erasure.keep_metadata.ACCOUNT_PAT_CREATD: no such code (did you mean)"
       R"( "ACCOUNT_PAT_CREATED"?))"},
      {"[erasure.keep_metadata]\n\"**\" = []",
       R"(4: erasure.keep_metadata.**: no such code (did you mean "*"?))"},
      {"[erasure.keep_metadata]\n\"*\" = \"ip\"",
       R"(4: erasure.keep_metadata.*: "ip" is a text: write an array of texts, such as ["one",)"
       R"( "two"])"},
      {"[erasure.keep_metadata]\n\"*\" = [\"ip\", \"ip\"]",
       R"(4: erasure.keep_metadata.*: "ip" is there twice: write it once)"},
      {"[catalogue]\naliases = { OLD = \"ACCOUNT_PAT_CREATED\" }\n[erasure.keep_metadata]\n"
       "ACCOUNT_PAT_CREATED = []\nOLD = []",
       R"(7: erasure.keep_metadata.OLD: "ACCOUNT_PAT_CREATED" is there twice, once by an alias:)"
       R"( write it once, as "ACCOUNT_PAT_CREATED")"},
  };
  for (const BadInput& input : inputs) {
    CAPTURE(input.text);
    CHECK(refusal_of(with_database(input.text)) == "holdfast.toml:" + input.refusal);
  }
}

TEST_CASE("codes are not called unknown where their file could not be read",
          "[config][erasure][refusal]") {
  const std::string refusal = refusal_of(with_database(
      "[catalogue]\nextend = \"not-there.tsv\"\n[erasure.keep_metadata]\nOWN_CODE = [\"x\"]"));

  CHECK_THAT(refusal, Catch::StartsWith("holdfast.toml:4: catalogue.extend: "));
  CHECK_THAT(refusal, !Catch::Contains("OWN_CODE"));
}

TEST_CASE("a module that cannot be is refused with its place", "[config][erasure][refusal]") {
  struct BadInput {
    std::string text;
    std::string refusal;
  };
  const std::string tables =
      R"(tables = [{ table = "contacts", subject = "user_id", action = "delete" }])"
      "\n";
  const std::vector<BadInput> inputs{
      {tables,
       R"(3: erasure.module.crm: says nothing of holds: write holds_sql, holds_command or holds =)"
       R"( "none")"},
      {tables + "holds = \"None\"",
       R"(6: erasure.module.crm.holds: "None" is none of none (did you mean "none"?))"},
      {tables + "holds = \"none\"\nholds_sql = \"x\"",
       "6: erasure.module.crm.holds: stands beside holds_sql: a module has one of them"},
      {tables + "holds_sql = \"x\"\nholds_command = [\"/bin/x\"]",
       "7: erasure.module.crm.holds_command: stands beside holds_sql: a module has one of them"},
      {tables + "holds_command = []",
       R"(6: erasure.module.crm.holds_command: names no program: write)"
       R"( ["/usr/local/bin/crm-holds"])"},
      {tables + "holds_command = [\n\"crm-holds\"]",
       R"(7: erasure.module.crm.holds_command: "crm-holds" is no absolute path: write where the)"
       " program lies, from / on"},
      {tables + "holds_command = \"/bin/x\"",
       R"(6: erasure.module.crm.holds_command: "/bin/x" is a text: write an array of texts, such)"
       R"( as ["one", "two"])"},
      {tables + "holds = \"none\"\ntime_limit = \"0s\"",
       R"(7: erasure.module.crm.time_limit: "0s" is out of range: write "1ms" up to "168h")"},
      {tables + "holds = \"none\"\ntimelimit = \"1s\"",
       R"(7: erasure.module.crm.timelimit: no such key (did you mean "time_limit"?))"},
      {"holds = \"none\"",
       "3: erasure.module.crm: has neither tables nor holds: write tables = [{ table ="
       " \"contacts\", subject = \"user_id\", action = \"delete\" }], or remove it"},
      {tables + "holds = \"none\"\n[[erasure.module]]\nname = \"crm\"\nholds_sql = \"x\"",
       R"(8: erasure.module.crm.name: "crm" is there twice: a module's name is its own)"},
      {tables + "holds = \"none\"\n[[erasure.module]]\nname = \"Holdfast\"\nholds_sql = \"x\"",
       R"(8: erasure.module.Holdfast.name: "Holdfast" is Holdfast's own register: choose another)"
       " name"},
      {tables + "holds = \"none\"\n[[erasure.module]]\nholds_sql = \"x\"",
       R"(7: erasure.module[2].name: is missing: write name = "crm")"},
      {tables + "holds = \"none\"\n[[erasure.module]]\nname = \"b\"\nholds_sql = \"x\"\ntables = ["
                R"({ table = "Contacts", subject = "USER_ID", action = "delete" }])",
       R"(10: erasure.module.b.tables[1].table: "Contacts" with subject "USER_ID" is there)"
       " already: write it once"},
  };
  for (const BadInput& input : inputs) {
    CAPTURE(input.text);
    CHECK(refusal_of(with_module(input.text)) == "holdfast.toml:" + input.refusal);
  }
}

TEST_CASE("a table that cannot be is refused with its place", "[config][erasure][refusal]") {
  struct BadInput {
    std::string_view text;
    std::string_view refusal;  ///< after the key of the table
  };
  const std::vector<BadInput> inputs{
      {R"({ subject = "s", action = "delete" })", R"(table: is missing: write table = "contacts")"},
      {R"({ table = "t", action = "delete" })",
       R"(subject: is missing: write subject = "user_id" or another column)"},
      {R"({ table = "t", subject = "s" })",
       R"(action: is missing: write action = "delete" or "redact")"},
      {R"({ table = "t", subject = "s", action = "remove" })",
       R"(action: "remove" is none of delete, redact)"},
      {R"({ table = "t", subject = "s", action = "redact" })",
       R"(columns: is missing: write columns = { email = "null", name = "token" })"},
      {R"({ table = "t", subject = "s", action = "redact", columns = {} })",
       R"(columns: names no column: write for example { email = "null" })"},
      {R"({ table = "t", subject = "s", action = "redact", columns = ["email"] })",
       R"(columns: this is an array: write { email = "null", name = "token" })"},
      {R"({ table = "t", subject = "s", action = "redact", columns = { email = "NULL" } })",
       R"(columns.email: "NULL" is none of null, token (did you mean "null"?))"},
      {R"({ table = "t", subject = "s", action = "redact", columns = { a = "null", A = "null" } })",
       "columns.a: is there twice in other letter case: write it once"},
      {R"({ table = "t", subject = "s", action = "delete", columns = { a = "null" } })",
       R"(columns: says nothing where rows are deleted: write action = "redact", or remove it)"},
      {R"({ table = "t", subject = "s", tenant = "S", action = "delete" })",
       R"(tenant: "S" is the subject's column already: name the tenant's)"},
      {R"({ table = "t", subject = "s", tenant = "o", action = "redact", columns = { o = "null" } })",
       R"(columns: "o" is the tenant's column, which has to stay: remove it)"},
      {R"({ table = "t", subjct = "s", subject = "s", action = "delete" })",
       R"(subjct: no such key (did you mean "subject"?))"},
  };
  for (const BadInput& input : inputs) {
    CAPTURE(input.text);
    CHECK(refusal_of(with_table(input.text)) ==
          "holdfast.toml:6: erasure.module.crm.tables[1]." + std::string{input.refusal});
  }
  CHECK(refusal_of(with_table("\"contacts\"")) ==
        "holdfast.toml:6: erasure.module.crm.tables: \"contacts\" is a text: write [{ table ="
        " \"contacts\", subject = \"user_id\", action = \"delete\" }]");
}
