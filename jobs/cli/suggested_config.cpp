// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <string_view>

#include "jobs/cli/config_file.h"
#include "jobs/config_draft.h"

namespace holdfast {
namespace {

constexpr std::string_view kBeforeDatabase =
    R"toml(# Configuration of Holdfast, the prune job for audit logs.
# The windows below are suggestions. Nothing is deleted before an administrator has approved the
# first plan; decide them first: holdfast check, holdfast plan.

[database]
path = )toml";

constexpr std::string_view kEventsToRetention =
    R"toml(  # a relative path starts from the folder of this file

[events]                              # where the audit log lives
table = "audit_events"
id = "id"                             # the declared key; several columns: ["tenant", "id"]
time = "occurred_at"
time_format = "unix_ms"               # unix_s, unix_ms, unix_us, unix_real, iso8601, utc_text
code = "code"
tenant = "tenant"                     # leave this and the rest out where the table lacks the column
actor = "actor"
subject = "subject"
severity = "severity"
metadata = "metadata"
# category = "category"               # only where rows carry their own
retain_until = "retain_until"         # a row's own stamp: it is kept at least until then
# code_lookup = { table = "event_types", key = "event_type_id", text = "event_type" }
# children = [{ table = "details", column = "event_id" }]  # rows that go with the row they name
earliest_plausible = "2000-01-01"     # an earlier time is a bad time, and the row is kept
own_events = "log"                    # log: Holdfast's own audit rows go into this table;
                                      # holdfast: into holdfast_event

[catalogue]
# built_in = false                    # start without the built-in codes
# url = "https://docs.example.com/audit-codes"  # each code prints with its anchor there
# extend = "codes.tsv"                # codes of your own: category, code, severity, description
# aliases = { MFA_ENROLLED_V1 = "ACCOUNT_MFA_ENROLLED" }  # other names of codes

# A window is how long rows are kept: days, months, years or forever. at_least is a floor that no
# tenant may shorten. locked may be extended, never shortened or removed. basis says why, and is
# printed as written. A category without a window keeps its rows for ever.
[retention]
# presets = [{ name = "pci-10.5.1", categories = ["account", "sessions", "mfa"] }]
#                                     # holdfast policy presets lists them with their citations

[retention.category]
account = { window = "13 months", basis = "a year and its audit; suggested, to be decided" }
sessions = { window = "13 months", basis = "a year and its audit; suggested, to be decided" }
mfa = { window = "13 months", basis = "a year and its audit; suggested, to be decided" }
webauthn = { window = "13 months", basis = "a year and its audit; suggested, to be decided" }
step-up = { window = "13 months", basis = "a year and its audit; suggested, to be decided" }
saml = { window = "13 months", basis = "a year and its audit; suggested, to be decided" }
scim = { window = "13 months", basis = "a year and its audit; suggested, to be decided" }
network-policy = { window = "24 months", basis = "two yearly reviews; suggested, to be decided" }
attestation-policy = { window = "24 months", basis = "two yearly reviews; suggested, to be decided" }
webhooks = { window = "13 months", basis = "a year and its audit; suggested, to be decided" }

# TENANT_AUDIT_RETENTION_POLICY_UPDATED and AUDIT_PRUNE_RUN_*: what was deleted, and by which rule.
audit-retention = { window = "7 years", basis = "proof outlives what it proves" }
# ACCOUNT_DELETION_* and ACCOUNT_DATA_EXPORT_*: who asked, who approved, what was done.
data-erasure = { window = "7 years", locked = true, basis = "proof outlives what it proves" }

[retention.code]                      # one code's window or floor
ACCOUNT_DELETION_HOLDS_OVERRIDDEN = { at_least = "10 years", basis = "platform policy; SOX § 802 as cited by the catalogue" }

# [retention.tenant.acme.category]    # one tenant's windows, which win over the platform's
# account = { window = "24 months", basis = "contract 2024-17" }
# [retention.tenant.acme.code]
# ACCOUNT_PAT_CREATED = { window = "36 months", basis = "contract 2024-17" }

[admins]
principals = )toml";

constexpr std::string_view kSafetyToEnd =
    R"toml(  # who may approve, reject, complete, override, release

[identity]
trust_flag = false                    # true: --as WHO is believed; false: the user of the system
# services = ["portal"]               # who may request an erasure in a person's name

[erasure]                             # the right to erasure: holdfast erasure --help
cool_off = "14 days"                  # from the request; and 24 hours from the approval at least
# keys = "/var/lib/holdfast/keys"     # of the tokens; left out: beside the database, in a folder
                                      # that ends in .keys. Keep it out of the database's backup
# [erasure.keep_metadata]             # what stays of a row that has to be kept: code or "*", keys
# "*" = ["ip_country"]                # every other key is dropped: free text names people
# ACCOUNT_MFA_ENROLLED = ["method"]
# [[erasure.module]]                  # tables with data of persons, and who says that it must stay
# name = "crm"
# tables = [
#   { table = "contacts", subject = "user_id", tenant = "tenant", action = "delete" },
#   { table = "orders", subject = "buyer", action = "redact", columns = { email = "null" } },
# ]                                   # treatments: "null", "token"; the subject gets its token
# holds_command = ["/usr/local/bin/crm-holds"]  # or holds_sql = "a query", or holds = "none"
# time_limit = "10s"                  # then its silence counts as a hold

[safety]
first_run_needs_approval = true
max_category_share = 0.20             # of a tenant's category in one run; more needs an approved plan
limit_min_rows = 1000                 # categories with fewer rows have no such limit
max_bad_time_share = 0.01             # more means a wrong time_format: the run is refused
hold_release_grace = "30 days"        # rows of a released hold stay this much longer
policy_shorten_delay = "7 days"       # whatever lets a row go sooner waits this long
max_clock_step = "8 days"             # how far the run clock may move between two runs

[run]
max_lock = "50ms"                     # of a write lock while others write
max_lock_idle = "1s"                  # of a write lock while nobody else writes
max_time = "2h"                       # then the run stops early, and the next one goes on
max_rows = 0                          # deleted in one run; 0: no limit
cache = "48MB"                        # of the database connection
# drop_partitions = true              # on PostgreSQL: those that are wholly due go as tables, with DROP TABLE

# [witness]
# file = "/var/lib/holdfast/witness"  # what a restored backup would forget; on another disk

# [evidence]
# row_digest = true                   # a salted digest of every deleted row
# keep_salts = "13 months"

# [archive]                           # leave the section out for no archive
# directory = "/var/lib/holdfast/archive"
# keep = "13 months"

# [export]                            # copies of persons' data: holdfast export --help
# directory = "/var/lib/holdfast/export"  # a folder that nobody else may read
# keep = "30 days"                    # then the nightly run destroys a copy
# columns = []                        # of the log, beside those of [events]: name those that name nobody else

# [reports]
# directory = "/var/lib/holdfast/reports"

# [metrics]                           # written after every run, for node_exporter
# textfile = "/var/lib/prometheus/node-exporter/holdfast.prom"

# [webhook]                           # tells how a run ended
# url = "https://alerts.example.com/holdfast"
# secret_file = "/etc/holdfast/webhook.secret"  # signs it; 0600: openssl rand -hex 32
# on = ["failed", "invalid", "refused"]         # or any other outcomes
# time_limit = "30s"                  # for all three tries; 30s is the most
# allow_http = false                  # true: http also to other machines

[log]
level = "info"                        # trace, debug, info, warn, error, off
format = "text"                       # or "json": one object a line
)toml";

}  // namespace

std::string suggested_config(const std::string& database, const std::string& administrator) {
  const std::string principals =
      administrator.empty() ? "[]" : '[' + toml_string(administrator) + ']';
  std::string written;
  written += kBeforeDatabase;
  written += toml_string(database);
  written += kEventsToRetention;
  written += principals;
  written += kSafetyToEnd;
  return written;
}

}  // namespace holdfast
