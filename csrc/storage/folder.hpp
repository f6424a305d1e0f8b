// Folders that are published atomically.
#pragma once

#include <filesystem>

namespace infgram {

// Flushes a folder's entries to disk, so that renames in it survive a power failure. Throws StorageError.
void sync_folder(const std::filesystem::path& folder);

// Renames the folder `finished` to `target` in one atomic step. If `target` exists, the two are exchanged, so that one
// of them is always there; if the file system does not support this, `target` is first renamed to "<finished>.old".
// Both must be on the same file system.
// Returns the path of the replaced folder, or an empty path if there was none. Throws StorageError.
std::filesystem::path publish_folder(const std::filesystem::path& finished, const std::filesystem::path& target);

}  // namespace infgram
