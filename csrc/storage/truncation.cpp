#include "storage/truncation.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <utility>

namespace infgram {
namespace {

using Range = TruncationGuard::Range;

// The registry grows by blocks, which are never freed, so that the handler can read it at any time.
struct Block {
  std::array<Range, 256> ranges;
  std::atomic<Block*> next = nullptr;
};

Block first_block;
std::atomic<bool> any_lost = false;
std::uintptr_t page_bytes = 0;
struct sigaction previous_action{};

Range* range_of(std::uintptr_t address) {
  for (Block* block = &first_block; block != nullptr; block = block->next.load()) {
    for (Range& range : block->ranges) {
      const std::uintptr_t end = range.end.load();
      // The end is read twice, because another thread may reuse the entry meanwhile.
      if (address < end && address >= range.begin.load() && range.end.load() == end) return &range;
    }
  }
  return nullptr;
}

// Claims a free range. Needs no lock, so that a fork at any moment leaves the registry usable.
Range& claim() {
  for (Block* block = &first_block;;) {
    for (Range& range : block->ranges) {
      std::uintptr_t free = 0;
      if (range.begin.load() == 0 && range.begin.compare_exchange_strong(free, 1)) return range;
    }
    Block* next = block->next.load();
    if (next == nullptr) {
      auto* added = new Block();
      if (block->next.compare_exchange_strong(next, added)) {
        next = added;
      } else {
        delete added;  // another thread was first
      }
    }
    block = next;
  }
}

// The handler of SIGBUS.
void replace_lost_page(int signal, siginfo_t* info, void* context) {
  const int code = errno;
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  if (Range* range = range_of(address); range != nullptr) {
    void* page = reinterpret_cast<void*>(address & ~(page_bytes - 1));
    if (::mmap(page, page_bytes, PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == page) {
      any_lost.store(true);
      range->has_lost_pages.store(true);
      errno = code;
      return;
    }
  }
  errno = code;
  if ((previous_action.sa_flags & SA_SIGINFO) != 0) {
    previous_action.sa_sigaction(signal, info, context);
  } else if (previous_action.sa_handler != SIG_DFL && previous_action.sa_handler != SIG_IGN) {
    previous_action.sa_handler(signal);
  } else {
    ::sigaction(signal, &previous_action, nullptr);  // the read is tried again, and ends the process
  }
}

void install() {
  page_bytes = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  struct sigaction action{};
  action.sa_sigaction = replace_lost_page;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGBUS, &action, &previous_action);
}

}  // namespace

TruncationGuard::TruncationGuard(const void* data, std::size_t size_bytes) {
  static const bool is_installed = (install(), true);
  static_cast<void>(is_installed);
  range_ = &claim();
  range_->has_lost_pages.store(false);
  const auto begin = reinterpret_cast<std::uintptr_t>(data);
  range_->begin.store(begin);
  range_->end.store(begin + size_bytes);
}

bool TruncationGuard::any_lost_pages() { return any_lost.load(std::memory_order_relaxed); }

TruncationGuard::TruncationGuard(TruncationGuard&& other) noexcept : range_(std::exchange(other.range_, nullptr)) {}

TruncationGuard& TruncationGuard::operator=(TruncationGuard&& other) noexcept {
  std::swap(range_, other.range_);
  return *this;
}

TruncationGuard::~TruncationGuard() {
  if (range_ == nullptr) return;
  range_->end.store(0);
  range_->begin.store(0);
}

}  // namespace infgram
