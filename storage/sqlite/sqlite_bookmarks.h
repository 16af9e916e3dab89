// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "storage/small_registers.h"
#include "storage/sqlite/register_query.h"

namespace holdfast {

/// The bookmarks in holdfast_bookmark, by name.
class SqliteBookmarks final : public BookmarkRegister {
 public:
  explicit SqliteBookmarks(const RegisterHome& home) : home_(home) {}

  [[nodiscard]] std::vector<Bookmark> all() override;
  void set(const Bookmark& bookmark) override;
  [[nodiscard]] bool drop(const std::string& name) override;

 private:
  RegisterHome home_;
};

}  // namespace holdfast
