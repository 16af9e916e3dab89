// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/fault_world.h"

#include <sys/stat.h>

#include <utility>

#include "jobs/digest.h"
#include "jobs/erasure_desk.h"
#include "jobs/export_desk.h"
#include "tests/faults/fault_exports.h"
#include "tests/faults/fault_vfs.h"

namespace holdfast::testing {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;

constexpr const char* kFloorCode = "ACCOUNT_PAT_CREATED";
constexpr const char* kPerson = "user-7";
constexpr const char* kTenant = "acme";
constexpr const char* kTables = R"sql(
CREATE TABLE profiles (user_id TEXT, tenant TEXT, name TEXT, PRIMARY KEY (user_id, tenant));
INSERT INTO profiles VALUES ('user-7', 'acme', 'Maria'), ('user-8', 'acme', 'Anna'),
                            ('user-7', 'globex', 'Maria');
)sql";

constexpr const char* kCopiesNotTold = R"sql(
SELECT sum(abs(deeds - (SELECT count(*) FROM audit_events AS event WHERE event.code = told.code
                        AND json_extract(event.metadata, '$.export_id') = told.id)))
FROM (SELECT id, 'ACCOUNT_DATA_EXPORT_REQUEST' AS code, 1 AS deeds FROM holdfast_export
      UNION ALL SELECT id, 'ACCOUNT_DATA_EXPORT_READY', made_at_ms IS NOT NULL FROM holdfast_export
      UNION ALL SELECT id, 'ACCOUNT_DATA_EXPORT_DOWNLOADED', downloads FROM holdfast_export) AS told
)sql";

/// Nobody asks the module of these tests anything: its holds are "none".
class NoPrograms final : public HoldCommand {
 public:
  [[nodiscard]] ModuleReport ask(const ErasureModule& module, const Subject& /*subject*/) override {
    return {.module = module.name, .status = HoldStatus::clear};
  }
};

Settings fault_settings(const fs::path& folder, const FaultWorldOptions& options) {
  Settings settings = small_settings();
  settings.administrators = {"alice", "bob"};
  settings.retention.code[kFloorCode] = {.window = window("1 month"),
                                         .at_least = window("10 years")};
  settings.erasure.cool_off = hours{1};
  settings.erasure.modules = {
      {.name = "shop",
       .tables = {{.table = "profiles", .subject = "user_id", .tenant = "tenant"}},
       .says_no_holds = true}};
  settings.safety.limit_min_rows = 1'000'000;
  if (options.archive) {
    settings.archive =
        ArchiveSettings{.directory = folder / "archive",
                        .keep = window(options.archive_past_keep ? "1 day" : "10 years"),
                        .fault = ""};
  }
  if (options.exports) {
    settings.exports =
        ExportSettings{.directory = folder / "copies", .keep = window("1 day"), .columns = {}};
  }
  return settings;
}

std::string rows_sql(int rows) {
  const std::string old = sql_time("2020-02-02");
  return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
         std::to_string(rows) +
         ") INSERT INTO audit_events (occurred_at, tenant, code, actor, subject, retain_until, "
         "metadata) SELECT CASE i % 12 WHEN 0 THEN " +
         sql_time("2026-11-01") + " WHEN 1 THEN 'soon' ELSE " + old +
         " END, 'acme', CASE i % 12 WHEN 2 THEN '" + kFloorCode +
         "' WHEN 3 THEN 'NO_SUCH_CODE' ELSE 'ACCOUNT_PROFILE_UPDATE' END, CASE i % 12 WHEN 4 THEN 'app' ELSE 'user-' || (i % 9) END, "
         "CASE i % 12 WHEN 4 THEN 'held' ELSE 'user-' || (i % 10) END, CASE i % 12 WHEN 5 THEN " +
         sql_time("2036-01-01") +
         " END, '{\"ip\": \"192.0.2.7\", \"note\": \"' || hex(zeroblob(60 + i % 7)) || '\"}' FROM n";
}

}  // namespace

FaultWorld::FaultWorld(const FaultWorldOptions& options)
    : options_(options), settings_(fault_settings(folder_.path(), options)) {
  use_fault_vfs();
  ::umask(S_IRWXG | S_IRWXO);  // keys and witness files want it so
  FaultyDisk::the().disarm();
  FaultyDisk::the().insert(folder_.path());
  if (options.late > hours{0}) {
    settings_.run.max_lock_idle = std::chrono::milliseconds{3};  // locks may grow, by a little
  }
  make();
  keep();
}

OpenOptions FaultWorld::options() const {
  return {.path = folder_ / "audit.db", .busy_wait = std::chrono::milliseconds{5}};
}

std::string FaultWorld::ask(const std::string& sql) const {
  SQLite::Database db(options().path.string(), SQLite::OPEN_READWRITE, 0);
  return db.execAndGet(sql).getString();
}

void FaultWorld::make() {
  fs::create_directory(folder_ / "archive");
  fs::create_directory(folder_ / "copies");
  const fs::path path = options().path;
  if (options_.gives_back) {
    run_sql(path, "PRAGMA auto_vacuum = INCREMENTAL; VACUUM");
  }
  (void)init_sqlite(options(),
                    "id-of-the-test",
                    kTonight - hours{96},
                    options_.guards ? Guards::set : Guards::as_they_are);
  run_sql(path, kTables);
  if (!options_.wal) {
    run_sql(path, "PRAGMA journal_mode = DELETE");
  }
  if (options_.exports) {
    make_old_copy();
  }
  if (options_.earlier_run) {
    run_sql(path, rows_sql(24));
    (void)run(-2);
  }
  fill();
  if (options_.erasure) {
    make_request();
  }
  if (options_.exports) {
    at_desk("alice", [](const Desk& desk) {
      (void)request_export(desk, {.tenant = kTenant, .person = kPerson});
    });
    if (options_.handed_out) {
      hand_out();
    }
  }
  if (!options_.set_up) {
    (void)remove_sqlite(options());
    fs::remove(folder_ / "witness");
  }
  last_first_row_ = std::stoll(ask("SELECT max(id) FROM audit_events"));
}

void FaultWorld::fill() const {
  run_sql(options().path, rows_sql(options_.rows));
  const auto database = open_sqlite(options());
  in_write(*database, [&] { (void)database->holds().place(hold(0, {.subjects = {"held"}})); });
}

/// Asked and approved before tonight, so that the cooling-off time is over.
void FaultWorld::make_request() {
  at_desk("alice", [&](const Desk& desk) {
    Desk before = desk;
    before.now = kTonight - hours{26};
    (void)request_erasure(before, {.tenant = kTenant, .person = kPerson});
    (void)act_on_erasure(before, 1, {.deed = ErasureDeed::approve});
  });
  if (options_.when_due) {
    at_desk("bob", [&](const Desk& desk) {
      Desk before = desk;
      before.now = kTonight - hours{26};
      (void)act_on_erasure(before, 1, {.deed = ErasureDeed::complete_when_due});
    });
  }
}

/// Past its keep tonight, and not before.
void FaultWorld::make_old_copy() {
  at_desk("alice", [](const Desk& desk) {
    Desk before = desk;
    before.now = kTonight - hours{90};
    (void)request_export(before, {.tenant = kTenant, .person = "user-8"});
    (void)make_export(before, 1);
  });
}

/// Whoever asked for it has it, so that it is in nobody's way any more.
void FaultWorld::hand_out() {
  at_desk("alice", [this](const Desk& desk) {
    (void)make_export(desk, 2);
    (void)download_export(desk, 2, (folder() / kFetchedCopy).string());
  });
  fs::remove(folder() / kFetchedCopy);
}

std::string FaultWorld::copies_fault() const {
  if (!options_.exports) {
    return "";
  }
  SQLite::Database db(options().path.string(), SQLite::OPEN_READWRITE, 0);
  SQLite::Statement ready(db, "SELECT file, sha256 FROM holdfast_export WHERE state = 'ready'");
  while (ready.executeStep()) {
    const std::string file = ready.getColumn(0).getString();
    if (!fs::exists(folder() / "copies" / file) ||
        sha256_hex(read_text(folder() / "copies" / file)) != ready.getColumn(1).getString()) {
      return file + " is ready, and is not the file that was made";
    }
  }
  if (fs::exists(folder() / kFetchedCopy) &&
      ask("SELECT downloads FROM holdfast_export WHERE id = 2") == "0") {
    return "a copy is handed out that nobody logged";
  }
  const std::string told = ask(kCopiesNotTold);
  return told == "0" ? "" : told + " deeds on copies without their audit rows";
}

std::string FaultWorld::exports_fault() const {
  std::string files;
  for (const auto& entry : fs::directory_iterator(folder_ / "copies")) {
    files += entry.path().filename().string() + " ";
  }
  const std::string ready =
      ask("SELECT coalesce(group_concat(file || ' ', ''), '') FROM holdfast_export WHERE state = "
          "'ready'");
  return files == ready ? "" : "the folder has " + files + "and the register " + ready;
}

void FaultWorld::keep() {
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
    const bool folder = entry.is_directory();
    kept_.push_back({.path = entry.path(),
                     .bytes = folder ? std::string{} : read_text(entry.path()),
                     .folder = folder});
  }
}

void FaultWorld::put_back() {
  FaultyDisk::the().disarm();
  for (const auto& entry : fs::directory_iterator(folder_.path())) {
    fs::remove_all(entry.path());
  }
  for (const Kept& kept : kept_) {
    if (kept.folder) {
      fs::create_directory(kept.path);
    } else {
      write_text(kept.path, kept.bytes);
    }
  }
  FaultyDisk::the().insert(folder_.path());
}

void FaultWorld::at_desk(const std::string& who, const std::function<void(const Desk&)>& act) {
  NoPrograms programs;
  FaultKeys keys{folder_ / "keys"};
  FaultArchives archives{folder_ / "archive"};
  FaultExports exports{folder_ / "copies"};
  FaultWitness witness{folder_ / "witness"};
  const auto database = open_sqlite(options());
  act({.database = *database,
       .settings = settings_,
       .now = now(),
       .who = who,
       .observer = observer_,
       .programs = &programs,
       .keys = &keys,
       .archives = options_.archive ? &archives : nullptr,
       .witness = &witness,
       .exports = options_.exports ? &exports : nullptr});
}

RunReport FaultWorld::run(int night) {
  NoPrograms programs;
  FaultKeys keys{folder_ / "keys"};
  FaultArchives archives{folder_ / "archive"};
  FaultExports exports{folder_ / "copies"};
  FaultWitness witness{folder_ / "witness"};
  const auto database = open_sqlite(options());
  const FixedClock clock{now() + hours{24} * night};
  RunDependencies with{.database = *database,
                       .clock = clock,
                       .observer = observer_,
                       .stop = stop_,
                       .started_by = "cron",
                       .host = "here",
                       .process = 1,
                       .programs = &programs,
                       .keys = &keys,
                       .archives = options_.archive ? &archives : nullptr,
                       .witness = &witness,
                       .exports = options_.exports ? &exports : nullptr};
  if (options_.late > hours{0}) {
    with.open_reader = [this] {
      OpenOptions reading = options();
      reading.read_only = true;
      return open_sqlite(reading);
    };
    with.worth = {.rows = 0, .log_bytes = 0};
  }
  return PruneRun(with, settings_).execute();
}

LogRows FaultWorld::first_rows() const {
  SQLite::Database db(options().path.string(), SQLite::OPEN_READWRITE, 0);
  SQLite::Statement query(
      db,
      "SELECT id, quote(occurred_at) || '|' || quote(tenant) || '|' || quote(code) || '|' || "
      "quote(severity) || '|' || quote(actor) || '|' || quote(subject) || '|' || "
      "quote(retain_until) || '|' || quote(metadata) FROM audit_events WHERE id <= ?1");
  query.bind(1, last_first_row_ > 0 ? last_first_row_ : INT64_MAX);
  LogRows rows;
  while (query.executeStep()) {
    std::string text = query.getColumn(1).getString();
    // Keys are drawn, so the token of a person is another one each time.
    constexpr std::string_view kToken = "erased:";
    constexpr std::size_t kDigits = 16;
    for (auto found = text.find(kToken); found != std::string::npos;
         found = text.find(kToken, found + 1)) {
      text.replace(found + kToken.size(), kDigits, "");
    }
    rows[query.getColumn(0).getInt64()] = std::move(text);
  }
  return rows;
}

std::string FaultWorld::profiles() const {
  return ask(
      "SELECT coalesce(group_concat(user_id || tenant || name), '') FROM (SELECT * FROM profiles "
      "ORDER BY user_id, tenant)");
}

}  // namespace holdfast::testing
