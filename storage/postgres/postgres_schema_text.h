// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace holdfast {

/// Holdfast's own tables, in the form that postgres_register_sql() takes.
extern const char* const kPostgresTables;
/// The body of the function that counts changes of holds; %schema% is the schema, quoted.
extern const char* const kPostgresHoldChanged;
/// That function and its triggers; %body% is the body as a literal.
extern const char* const kPostgresTriggers;

}  // namespace holdfast
