// SPDX-License-Identifier: Apache-2.0
// Which kind of database the options mean.
#include "storage/database.h"
#include "storage/default_log.h"

namespace holdfast {

bool is_default_log(const LogMapping& mapping) {
  const LogMapping ours;
  return mapping.table == ours.table && mapping.id == ours.id && mapping.time == ours.time &&
         mapping.time_format == ours.time_format && mapping.code == ours.code &&
         mapping.tenant.name == ours.tenant.name && mapping.actor.name == ours.actor.name &&
         mapping.subject.name == ours.subject.name && mapping.severity.name == ours.severity.name &&
         mapping.metadata.name == ours.metadata.name &&
         mapping.retain_until.name == ours.retain_until.name && !mapping.code_lookup;
}

std::string database_label(const OpenOptions& options) {
  return options.url.empty() ? options.path.string() : postgres_label(options.url);
}

std::unique_ptr<Database> open_database(const OpenOptions& options) {
  return options.url.empty() ? open_sqlite(options) : open_postgres(options);
}

InitReport init_database(const OpenOptions& options,
                         const std::string& identity,
                         Instant now,
                         Guards guards) {
  return options.url.empty() ? init_sqlite(options, identity, now, guards)
                             : init_postgres(options, identity, now, guards);
}

InitReport remove_own_tables(const OpenOptions& options) {
  return options.url.empty() ? remove_sqlite(options) : remove_postgres(options);
}

}  // namespace holdfast
