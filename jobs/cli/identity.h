// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace holdfast {

/// Who somebody is, as the operating system has it.
struct IdentityFacts {
  std::optional<unsigned> login_uid;  ///< /proc/self/loginuid, none where it is not set
  std::optional<unsigned> sudo_uid;   ///< SUDO_UID of the environment
  unsigned real_uid = 0;
  unsigned database_owner = 0;
};

/// The user id that acts: the login's where it is set; otherwise the one that sudo names, believed
/// only where the real user is root or owns the database; otherwise the real one. Errors:
/// JobError(refused) where login and sudo name different people.
[[nodiscard]] unsigned acting_uid(const IdentityFacts& facts);

/// The name of the person who acts. `by_flag` is what --as said; it counts only where the
/// configuration trusts it. Errors: JobError(refused).
struct IdentityQuestion {
  std::filesystem::path database;
  std::string by_flag;
  bool trust_flag = false;
};
[[nodiscard]] std::string acting_person(const IdentityQuestion& question);

}  // namespace holdfast
