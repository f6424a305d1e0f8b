#include "base/large_array.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

namespace infgram {

#ifdef INFGRAM_PAGES_ON_HEAP  // for AddressSanitizer, which knows the bounds of blocks of the heap only

void* allocate_pages(std::size_t size_bytes) {
  if (size_bytes == 0) return nullptr;
  void* pages = std::calloc(size_bytes, 1);
  if (pages == nullptr) throw std::bad_alloc();
  return pages;
}

void release_pages(void* pages, std::size_t) noexcept { std::free(pages); }

#else

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

#endif

}  // namespace infgram
