// SPDX-License-Identifier: Apache-2.0
#include "storage/storage_error.h"

#include <system_error>

#include <sqlite3.h>
#include <SQLiteCpp/SQLiteCpp.h>

namespace holdfast {
namespace {

/// What happened and what to do, without the path in front.
struct Finding {
  StorageTrouble trouble = StorageTrouble::other;
  std::string sentence;
};

Finding read_only_finding(int extended, const std::string& said) {
  switch (extended) {
    case SQLITE_READONLY_ROLLBACK:
    case SQLITE_READONLY_RECOVERY:
      return {StorageTrouble::read_only,
              "a crash left a journal beside it that has to be played back first (" + said +
                  "): open it once with a program that may write to it, then try again"};
    case SQLITE_READONLY_DBMOVED:
      return {StorageTrouble::read_only,
              "the file was moved or replaced while it was open (" + said +
                  "): find out by whom, then run again"};
    case SQLITE_READONLY_CANTINIT:
    case SQLITE_READONLY_CANTLOCK:
    case SQLITE_READONLY_DIRECTORY:
      return {StorageTrouble::read_only,
              "the files that SQLite keeps beside it (-wal, -shm, -journal) cannot be made or "
              "written to (" +
                  said +
                  "): run as a user who may write to its folder, or copy it with its -wal "
                  "file to a folder where you may"};
    default:
      return {StorageTrouble::read_only,
              "cannot be written to (" + said +
                  "): run as a user who may write to the file and its folder, and check that the "
                  "disk is not mounted read-only"};
  }
}

Finding io_finding(int extended, const std::string& said) {
  switch (extended) {
    case SQLITE_IOERR_WRITE:
    case SQLITE_IOERR_FSYNC:
    case SQLITE_IOERR_DIR_FSYNC:
    case SQLITE_IOERR_TRUNCATE:
    case SQLITE_IOERR_SHMSIZE:
      return {StorageTrouble::full,
              "could not be written (" + said +
                  "): the disk or the quota is full, or the disk is faulty; the step that failed "
                  "was taken back: make room, then run again"};
    default:
      return {StorageTrouble::other,
              "reading or writing failed (" + said +
                  "): check the disk and the system log; the step that failed was taken back"};
  }
}

Finding plain_finding(int primary, const std::string& said) {
  switch (primary) {
    case SQLITE_NOTADB:
      return {StorageTrouble::not_a_database,
              "is not an SQLite database, or it is encrypted (" + said +
                  "): check [database].path; Holdfast cannot read encrypted files"};
    case SQLITE_CORRUPT:
      return {StorageTrouble::corrupt,
              "is damaged (" + said +
                  "): restore a backup or run \"sqlite3 FILE .recover\" on a copy; the step that "
                  "met the damage was taken back and deleted nothing"};
    case SQLITE_FULL:
      return {StorageTrouble::full,
              "there is no room left to write (" + said +
                  "): the step that failed was taken back: make room on the disk, in the quota or "
                  "in the folder for temporary files, then run again"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {StorageTrouble::busy,
              "another program holds a lock on it (" + said +
                  "): find the program that keeps a transaction open, then run again"};
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return {StorageTrouble::other,
              "cannot be opened (" + said +
                  "): run as a user who may read the file and write to its folder, where SQLite "
                  "keeps its -wal, -shm and -journal files"};
    case SQLITE_NOMEM:
      return {StorageTrouble::other,
              "there is not enough memory (" + said + "): lower [run].cache, then run again"};
    default:
      return {StorageTrouble::other, said};
  }
}

Finding finding_of(const SQLite::Exception& error) {
  // The low byte of a result code is its kind; an exception without the extended code has only
  // that.
  const int primary = error.getErrorCode() < 0 ? error.getErrorCode() : error.getErrorCode() % 256;
  const int extended = error.getExtendedErrorCode();
  switch (primary) {
    case SQLITE_READONLY:
      return read_only_finding(extended, error.what());
    case SQLITE_IOERR:
      return io_finding(extended, error.what());
    default:
      return plain_finding(primary, error.what());
  }
}

}  // namespace

StorageError as_storage_error(const std::exception& error, const std::string& database) {
  if (const auto* ours = dynamic_cast<const StorageError*>(&error)) {
    return *ours;
  }
  if (const auto* sqlite = dynamic_cast<const SQLite::Exception*>(&error)) {
    const Finding finding = finding_of(*sqlite);
    return {finding.trouble, database + ": " + finding.sentence};
  }
  if (const auto* system = dynamic_cast<const std::system_error*>(&error)) {
    const bool full = system->code() == std::errc::no_space_on_device;
    return {full ? StorageTrouble::full : StorageTrouble::other, error.what()};
  }
  return {StorageTrouble::other, error.what()};
}

}  // namespace holdfast
