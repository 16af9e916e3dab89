// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/storage/scratch_database.h"

using namespace holdfast;
using namespace holdfast::testing;
using Catch::Matchers::Contains;

namespace {

/// A database that `init` made, and the register of erasures inside it.
struct Scratch {
  ScratchDatabase folder;
  std::unique_ptr<Database> database = made_database(folder.options());

  [[nodiscard]] ErasureRegister& erasures() const { return database->erasures(); }
  [[nodiscard]] std::int64_t open(const ErasureRequest& request) const {
    std::int64_t id = 0;
    in_write(*database, [&] { id = erasures().open(request); });
    return id;
  }
  void close(std::int64_t id, ErasureState state) const {
    in_write(*database, [&] {
      ErasureRequest request = *erasures().find(id);
      request.state = state;
      erasures().store(request);
    });
  }
};

ErasureRequest full_request() {
  return {.tenant = "acme",
          .subject = "o'brien; DROP TABLE holdfast_erasure --",
          .state = ErasureState::approved,
          .requested_by = "ann",
          .requested_at = kDay,
          .deadline = kDay + date::days{30},
          .extended = true,
          .approved_by = "bob",
          .approved_at = kDay + date::days{1},
          .cooloff_until = kDay + date::days{14},
          .confirmed_by = "cy",
          .confirmed_at = kDay + date::days{2},
          .ended_by = "dee",
          .ended_at = kDay + date::days{15},
          .end_reason = "17_3_b"};
}

void check_equal(const ErasureRequest& left, const ErasureRequest& right) {
  CHECK(left.tenant == right.tenant);
  CHECK(left.subject == right.subject);
  CHECK(left.state == right.state);
  CHECK(left.requested_by == right.requested_by);
  CHECK(left.requested_at == right.requested_at);
  CHECK(left.deadline == right.deadline);
  CHECK(left.extended == right.extended);
  CHECK(left.approved_by == right.approved_by);
  CHECK(left.approved_at == right.approved_at);
  CHECK(left.cooloff_until == right.cooloff_until);
  CHECK(left.confirmed_by == right.confirmed_by);
  CHECK(left.confirmed_at == right.confirmed_at);
  CHECK(left.ended_by == right.ended_by);
  CHECK(left.ended_at == right.ended_at);
  CHECK(left.end_reason == right.end_reason);
}

}  // namespace

TEST_CASE("a request comes back as it was opened and as it was stored", "[erasure]") {
  const Scratch scratch;
  const std::int64_t bare = scratch.open({.subject = "u1"});
  check_equal(*scratch.erasures().find(bare), {.subject = "u1"});
  const std::int64_t full = scratch.open(full_request());
  check_equal(*scratch.erasures().find(full), full_request());
  ErasureRequest changed = full_request();
  changed.id = bare;
  in_write(*scratch.database, [&] {
    changed.subject = "u1";
    scratch.erasures().store(changed);
  });
  check_equal(*scratch.erasures().find(bare), changed);
  CHECK(scratch.erasures().all().size() == 2);
  CHECK(scratch.erasures().all().back().id == full);
}

TEST_CASE("storing a request that is not there is an error", "[erasure]") {
  const Scratch scratch;
  in_write(*scratch.database, [&] {
    CHECK_THROWS_AS(scratch.erasures().store({.id = 9, .subject = "u1"}), StorageError);
  });
}

TEST_CASE("a subject has one open request in a tenant", "[erasure]") {
  const Scratch scratch;
  const std::int64_t first = scratch.open({.tenant = "acme", .subject = "u1"});
  in_write(*scratch.database, [&] {
    const StorageError error =
        error_of([&] { (void)scratch.erasures().open({.tenant = "acme", .subject = "u1"}); });
    CHECK_THAT(error.what(), Contains("request " + std::to_string(first)));
    CHECK_THAT(error.what(), !Contains("u1"));
  });
  CHECK_NOTHROW(scratch.open({.tenant = "acme", .subject = "U1"}));
  CHECK_NOTHROW(scratch.open({.tenant = "other", .subject = "u1"}));
  scratch.close(first, ErasureState::rejected);
  const std::int64_t second = scratch.open({.tenant = "acme", .subject = "u1"});
  CHECK(scratch.erasures().find_open({.tenant = "acme", .person = "u1"})->id == second);
  CHECK(second > first);
}

TEST_CASE("no tenant and the empty one are the same", "[erasure]") {
  const Scratch scratch;
  const std::int64_t id = scratch.open({.subject = "u1"});
  CHECK(scratch.erasures().find_open({.tenant = "", .person = "u1"})->id == id);
  in_write(*scratch.database, [&] {
    CHECK_THROWS_AS(scratch.erasures().open({.tenant = "", .subject = "u1"}), StorageError);
  });
}

TEST_CASE("plain SQL cannot open a second request either", "[erasure]") {
  const Scratch scratch;
  (void)scratch.open({.subject = "u1"});
  CHECK_THROWS_AS(run_sql(scratch.folder.file("audit.db"),
                          "INSERT INTO holdfast_erasure SELECT id + 1, '', subject, state, "
                          "requested_by, requested_at_ms, deadline_ms, extended, approved_by, "
                          "approved_at_ms, cooloff_until_ms, confirmed_by, confirmed_at_ms, "
                          "ended_by, ended_at_ms, end_reason FROM holdfast_erasure"),
                  SQLite::Exception);
}

TEST_CASE("the newest request of a subject is found in any state", "[erasure]") {
  const Scratch scratch;
  const Subject subject{.tenant = "acme", .person = "u1"};
  CHECK_FALSE(scratch.erasures().find_newest(subject));
  const std::int64_t first = scratch.open({.tenant = "acme", .subject = "u1"});
  scratch.close(first, ErasureState::completed);
  CHECK(scratch.erasures().find_newest(subject)->id == first);
  CHECK_FALSE(scratch.erasures().find_open(subject));
  const std::int64_t second = scratch.open({.tenant = "acme", .subject = "u1"});
  CHECK(scratch.erasures().find_newest(subject)->id == second);
  CHECK_FALSE(scratch.erasures().find_newest({.person = "u1"}));
}

TEST_CASE("bytes that SQL could trip over are kept and told apart", "[erasure]") {
  const Scratch scratch;
  const std::string hostile{"a\0b%_'\"", 7};
  const std::int64_t id = scratch.open({.subject = hostile});
  (void)scratch.open({.subject = "a"});
  CHECK(scratch.erasures().find(id)->subject == hostile);
  CHECK(scratch.erasures().find_open({.person = hostile})->id == id);
  CHECK_FALSE(scratch.erasures().find_open({.person = std::string{"a\0b", 3}}));
  CHECK_FALSE(scratch.erasures().find_open({.person = "%"}));
}

TEST_CASE("attempts come back in order, and a name can be replaced in them", "[erasure]") {
  const Scratch scratch;
  const std::int64_t id = scratch.open({.subject = "u1"});
  const std::int64_t other = scratch.open({.subject = "u2"});
  in_write(*scratch.database, [&] {
    scratch.erasures().add_attempt({.erasure = id,
                                    .at = kDay,
                                    .who = "u1",
                                    .deed = "request",
                                    .outcome = "done",
                                    .hold_digest = "d",
                                    .report = "[]"});
    scratch.erasures().add_attempt({.erasure = id, .who = "bob"});
    scratch.erasures().add_attempt({.erasure = other, .who = "u1"});
    scratch.erasures().rename_in_attempts(id, "u1", "erased:1");
  });
  const auto attempts = scratch.erasures().attempts(id);
  REQUIRE(attempts.size() == 2);
  CHECK(attempts[0].who == "erased:1");
  CHECK(attempts[0].at == kDay);
  CHECK(attempts[0].deed == "request");
  CHECK(attempts[0].outcome == "done");
  CHECK(attempts[0].hold_digest == "d");
  CHECK(attempts[0].report == "[]");
  CHECK(attempts[1].who == "bob");
  CHECK(attempts[0].id < attempts[1].id);
  CHECK(scratch.erasures().attempts(other).front().who == "u1");
}

TEST_CASE("an attempt at a request that is not there is refused", "[erasure]") {
  const Scratch scratch;
  in_write(*scratch.database, [&] {
    CHECK_THROWS_AS(scratch.erasures().add_attempt({.erasure = 9}), SQLite::Exception);
  });
}

TEST_CASE("a receipt is stored once and knows the rows that it deleted", "[erasure]") {
  const Scratch scratch;
  const std::int64_t first = scratch.open({.subject = "u1"});
  const std::int64_t second = scratch.open({.subject = "u2"});
  const std::vector<StoredView> parts{std::string_view{"eu"}, std::int64_t{5}};
  const std::vector<RowKey> composite{RowKey::composite(parts)};
  const std::vector<RowKey> integers{RowKey::integer(-3), RowKey::integer(41)};
  in_write(*scratch.database, [&] {
    scratch.erasures().store_receipt(first, R"({"a":1})", integers);
    scratch.erasures().store_receipt(second, "{}", composite);
    CHECK_THROWS_AS(scratch.erasures().store_receipt(first, "{}", {}), StorageError);
  });
  CHECK(scratch.erasures().receipt(first) == R"({"a":1})");
  CHECK(scratch.erasures().deleted_keys(first) == integers);
  CHECK(scratch.erasures().deleted_keys(second) == composite);
  CHECK(scratch.erasures().erasure_that_deleted("41") == first);
  CHECK(scratch.erasures().erasure_that_deleted("eu,5") == second);
  CHECK_FALSE(scratch.erasures().erasure_that_deleted("4"));
  CHECK_FALSE(scratch.erasures().receipt(9));
}

TEST_CASE("a key is forgotten once and its line stays", "[erasure]") {
  const Scratch scratch;
  const Signature by{.who = "ann", .at = kDay, .reason = "asked for"};
  in_write(*scratch.database, [&] {
    const std::int64_t first = scratch.erasures().add_key({.made_at = kDay, .check = "c1"});
    const std::int64_t second = scratch.erasures().add_key({.tenant = "acme", .check = "c2"});
    CHECK(second > first);
    CHECK(scratch.erasures().forget_key(first, by));
    CHECK_FALSE(scratch.erasures().forget_key(first, {.who = "bob"}));
    CHECK_FALSE(scratch.erasures().forget_key(99, by));
  });
  const auto keys = scratch.erasures().keys();
  REQUIRE(keys.size() == 2);
  CHECK_FALSE(keys[0].tenant);
  CHECK(keys[0].made_at == kDay);
  CHECK(keys[0].check == "c1");
  CHECK(keys[0].forgotten_at == kDay);
  CHECK(keys[0].forgotten_by == "ann");
  CHECK(keys[0].forget_reason == "asked for");
  CHECK(keys[1].tenant == "acme");
  CHECK_FALSE(keys[1].forgotten_at);
}
