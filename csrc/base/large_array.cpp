#include "base/large_array.hpp"

#include <sys/mman.h>

#include <new>

namespace infgram {

void* allocate_pages(std::size_t size_bytes) {
  if (size_bytes == 0) return nullptr;
  void* pages = ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
  ::madvise(pages, size_bytes, MADV_HUGEPAGE);  // only advice: ordinary pages work as well, more slowly
#endif
  return pages;
}

void release_pages(void* pages, std::size_t size_bytes) noexcept {
  if (pages != nullptr) ::munmap(pages, size_bytes);
}

}  // namespace infgram
