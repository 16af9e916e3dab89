// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace holdfast {

/// While it lasts, this process inherits what a child's children leave behind, also out of its
/// process group and session; at its end all of that is killed and fetched, within a second.
/// Does nothing where the process had children before, which it could not tell from those, and
/// where the system does not list children. Make it before the child, and SIGCHLD not ignored.
class OrphanScope {
 public:
  OrphanScope();
  OrphanScope(const OrphanScope&) = delete;
  OrphanScope& operator=(const OrphanScope&) = delete;
  OrphanScope(OrphanScope&&) = delete;
  OrphanScope& operator=(OrphanScope&&) = delete;
  ~OrphanScope();

 private:
  int before_ = 0;
  bool inherits_ = false;
};

}  // namespace holdfast
