// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/instant.h"
#include "policy/retention_policy.h"
#include "policy/text_hash.h"

namespace holdfast {

/// One window or floor of the policy with its disposition cut-off on the day of the run.
struct DatedWindow {
  RetentionWindow window;
  Instant cutoff;      ///< a row before it has outlived the window
  std::string source;  ///< "retention.category.account", "preset pci-10.5.1"
  std::string basis;
};

/// All floors that bind one category.
struct CategoryFloors {
  std::vector<DatedWindow> floors;
  Instant cutoff = kEndOfTime;  ///< the earliest of theirs
};

/// What one policy says about one row, before its time is looked at. Pointers live as long as the
/// book.
struct Rule {
  bool code_known = false;
  std::string_view known_code;          ///< what an alias stands for
  std::string_view category;            ///< slug in the catalogue; empty where the code is unknown
  std::string_view own_category;        ///< slug of the row's own category, if it has one
  std::string_view category_name;       ///< what people call it; empty where it has no name
  std::string_view own_category_name;   ///< the same of the row's own category
  bool category_differs = false;        ///< the row carries another category of its own
  bool has_window = false;              ///< false: no policy, so the row is kept
  const DatedWindow* window = nullptr;  ///< the first that exists
  const DatedWindow* own_window =
      nullptr;  ///< the same under the row's own category, if it differs
  const CategoryFloors* floors = nullptr;
  const CategoryFloors* own_floors = nullptr;
  const DatedWindow* code_floor = nullptr;

  /// The cut-off that all windows of the rule allow: kBeginningOfTime without a policy.
  [[nodiscard]] Instant window_cutoff() const;
  [[nodiscard]] Instant floor_cutoff() const;
  [[nodiscard]] Instant code_floor_cutoff() const;
};

/// One version of the policy with every cut-off worked out for one day.
class RuleBook {
 public:
  RuleBook(const PolicySnapshot& snapshot, Instant as_of);

  /// window = the first that exists: tenant+code, tenant+category, platform code, platform
  /// category.
  [[nodiscard]] Rule rule_for(std::optional<std::string_view> tenant,
                              std::optional<std::string_view> code,
                              std::optional<std::string_view> own_category) const;

  /// The category window of a tenant (its own or the platform's), null where there is none.
  [[nodiscard]] const DatedWindow* category_window(std::optional<std::string_view> tenant,
                                                   std::string_view category) const;

  /// The latest window cut-off that any tenant has for this code: no row at or after it is due.
  [[nodiscard]] Instant latest_cutoff(std::string_view code) const;

  /// The same of all codes: kBeginningOfTime where none has a window.
  [[nodiscard]] Instant latest_cutoff() const;

  /// The earliest cut-off that any tenant and any floor has for this code: each row before it is
  /// past its window, whoever's it is, unless it has a category of its own. kBeginningOfTime where
  /// somebody has no window.
  [[nodiscard]] Instant earliest_cutoff(std::string_view code) const;

  /// Every (tenant, category) that has a window; tenant none for the platform.
  struct Entry {
    std::optional<std::string> tenant;
    std::string category;
  };
  [[nodiscard]] std::vector<Entry> entries() const;

  /// Every cut-off that the book uses, as "13 months=2025-10-19T10:00:00Z", sorted.
  [[nodiscard]] std::vector<std::string> cutoffs() const;

  [[nodiscard]] const PolicySnapshot& snapshot() const { return *snapshot_; }
  [[nodiscard]] Instant as_of() const { return as_of_; }

 private:
  struct CategoryRule {
    const DatedWindow* window = nullptr;
    CategoryFloors floors;
  };
  struct CodeRule {
    std::string code;
    std::string category;
    std::string_view category_name;
    const DatedWindow* window = nullptr;
    const DatedWindow* floor = nullptr;
    const CategoryRule* category_rule = nullptr;
    Instant latest = kBeginningOfTime;  // see latest_cutoff()
    Instant earliest = kEndOfTime;      // of the windows
  };
  struct TenantRule {
    TextMap<const DatedWindow*> category;
    TextMap<const DatedWindow*> code;
  };

  [[nodiscard]] const DatedWindow* dated(const RetentionWindow& window,
                                         std::string source,
                                         const std::string& basis);
  [[nodiscard]] Instant cutoff_of(const RetentionWindow& window);
  static void list_entries(const std::optional<std::string>& tenant,
                           const WindowEntries& windows,
                           std::vector<Entry>& entries);
  void add_floor(const std::string& category, const DatedWindow* floor);
  void add_preset(const PresetBinding& preset);
  [[nodiscard]] TextMap<const DatedWindow*> dated_entries(const WindowEntries& entries,
                                                          const std::string& source);
  void add_categories();
  void add_codes();
  void add_tenants();
  void find_latest_cutoffs();
  [[nodiscard]] const CodeRule* find_code(std::string_view code) const;
  [[nodiscard]] const DatedWindow* pick_window(const TenantRule* tenant,
                                               const CodeRule& code,
                                               std::string_view category) const;
  [[nodiscard]] std::string_view slug_of(std::string_view own_category) const;
  [[nodiscard]] std::string_view name_of(std::string_view slug) const;

  const PolicySnapshot* snapshot_;
  Instant as_of_;
  std::deque<DatedWindow> windows_;  // stable addresses
  std::map<std::pair<int, WindowUnit>, Instant> cutoffs_;
  TextMap<std::string_view> names_;  // slug to name
  TextMap<CodeRule> codes_;
  TextMap<CategoryRule> categories_;
  TextMap<TenantRule> tenants_;
};

}  // namespace holdfast
