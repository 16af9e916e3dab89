// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace holdfast::testing {

/// Puts FaultyDisk::the() between SQLite and the file system, for every connection that is opened
/// from now on. Busy handlers of SQLite no longer sleep. Once per process; further calls do
/// nothing.
void use_fault_vfs();

}  // namespace holdfast::testing
