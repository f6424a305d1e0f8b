// Folders as units that appear whole or not at all.
#pragma once

#include <filesystem>

namespace infgram {

// Flushes a folder's entries to the disk, so that the renames in it survive a power cut. Throws StorageError.
void sync_folder(const std::filesystem::path& folder);

// Gives the finished folder its final name in one atomic step. When `target` exists, the two change names, so that
// there is no moment without one of them; where the file system cannot do that, the old one is first moved aside to
// "<finished>.old". Both must be on one file system. Throws StorageError.
// Returns where the replaced folder is now, empty if there was none.
std::filesystem::path publish_folder(const std::filesystem::path& finished, const std::filesystem::path& target);

}  // namespace infgram
