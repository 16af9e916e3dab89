// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "jobs/cli/zip_file.h"
#include "jobs/export_store.h"

namespace holdfast {

/// Writes everything that a copy has into a zip: each table as NDJSON and as CSV, a page that shows
/// them all, and last the manifest with the SHA-256 of the others. Row by row. Returns the rows of
/// all tables. Errors: JobError(failed) where a table has other rows when it is read again.
std::int64_t write_export(ZipFile& zip, const ExportContents& contents);

}  // namespace holdfast
