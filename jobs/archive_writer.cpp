// SPDX-License-Identifier: Apache-2.0
#include "jobs/archive_writer.h"

#include <utility>

namespace holdfast {

ArchiveWriter::ArchiveWriter(ArchiveStore& store, const LogShape& shape, FrameHead run)
    : store_(store), head_(std::move(run)), time_(shape.columns, shape.mapping) {
  head_.columns = shape.columns;
  head_.mapping = shape.mapping;
}

void ArchiveWriter::start_slice(std::int64_t number) {
  while (!frames_.empty() && frames_.back().slice >= number) {
    frames_.pop_back();
  }
  if (file_ != nullptr && file_->size() > end()) {
    file_->truncate(end());
  }
  frame_ = ArchiveFrame{.slice = number};
  given_.reset();
}

void ArchiveWriter::add(const RowKey& key, std::string_view content) {
  if (!given_) {
    begin_frame();
  }
  const auto values = split_canonical(content);
  if (!values) {
    throw ArchiveError("row " + key.display() + " has no canonical bytes, so it is not archived");
  }
  line_.clear();
  append_row(line_, key.display(), *values);
  put(line_);
  frame_.note_row(key.display(), time_.of(*values));
}

/// A tombstone or a manifest of this name speaks of rows that an earlier run of this number
/// deleted: the numbers were given out again, by a database that was put back with its witness
/// file. An archive beside it would count as that one.
void ArchiveWriter::make_file() {
  const ArchivedRun mine{.database = head_.database, .run = head_.run};
  if (store_.open(manifest_name(mine), ArchiveUse::reading) != nullptr) {
    throw ArchiveError(store_.folder() + "/" + manifest_name(mine) +
                       ": is there already, so an earlier run had this number and its archive: the "
                       "database was put back from a backup; move that archive and its manifest "
                       "away");
  }
  file_ = store_.create(archive_name(mine));
}

void ArchiveWriter::begin_frame() {
  if (file_ == nullptr) {
    make_file();
  }
  writer_.begin(*file_);
  given_.emplace();
  head_.slice = frame_.slice;
  line_.clear();
  append_head(line_, head_);
  put(line_);
}

void ArchiveWriter::put(const std::string& text) {
  given_->update(text);
  writer_.write(text);
}

std::int64_t ArchiveWriter::finish_slice() {
  if (!given_) {
    return end();
  }
  line_.clear();
  append_foot(line_, frame_.rows);
  put(line_);
  writer_.end();
  file_->sync();
  if (frames_.empty()) {
    store_.sync();
  }
  const std::int64_t begin = end();
  frame_.end = file_->size();
  const std::string name = store_.folder() + "/" + archive_name({head_.database, head_.run});
  const FrameSums sums =
      read_frame(*file_, {.name = name, .begin = begin, .end = frame_.end}, [](auto) {});
  if (sums.text != given_->hex()) {
    throw ArchiveError(name + ": what was written does not read back as it was given, so nothing " +
                       "of this slice was deleted: look at the disk");
  }
  // What is written to a file without a name is gone when the run ends.
  file_->require_in_place();
  frame_.bytes = frame_.end - begin;
  frame_.sha256 = sums.packed;
  frames_.push_back(frame_);
  given_.reset();
  return end();
}

}  // namespace holdfast
