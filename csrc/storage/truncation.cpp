#include "storage/truncation.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
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
std::atomic<std::uintptr_t> page_bytes = 0;
std::atomic<const struct sigaction*> previous_action = nullptr;
std::atomic<pid_t> passing_thread = 0;  // the thread that is in the previous handler, or 0

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

// Whether a read caused the signal, not another process or raise().
bool is_fault(const siginfo_t& info) { return info.si_code > 0; }

// Passes a signal to the handler that was installed before. One that raises the signal again, as that of Python's
// faulthandler does at its end, comes back here, and gets the default action.
void pass_on(int signal, siginfo_t* info, void* context) {
  const auto thread = static_cast<pid_t>(::syscall(SYS_gettid));
  const struct sigaction* previous = previous_action.load();
  const bool is_default =
      (previous->sa_flags & SA_SIGINFO) == 0 && (previous->sa_handler == SIG_DFL || previous->sa_handler == SIG_IGN);
  if (is_default || passing_thread.load() == thread) {
    struct sigaction action{};
    action.sa_handler = SIG_DFL;
    ::sigaction(signal, &action, nullptr);
    if (!is_fault(*info)) ::raise(signal);
    return;  // the read is tried again, and ends the process
  }
  passing_thread.store(thread);
  if ((previous->sa_flags & SA_SIGINFO) != 0) {
    previous->sa_sigaction(signal, info, context);
  } else {
    previous->sa_handler(signal);
  }
  passing_thread.store(0);
}

// The handler of SIGBUS.
void replace_lost_page(int signal, siginfo_t* info, void* context) {
  const int code = errno;
  const auto address = is_fault(*info) ? reinterpret_cast<std::uintptr_t>(info->si_addr) : 0;
  if (Range* range = range_of(address); range != nullptr) {
    const std::uintptr_t n_bytes = page_bytes.load();
    std::byte* const page = static_cast<std::byte*>(info->si_addr) - address % n_bytes;
    if (::mmap(page, n_bytes, PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == page) {
      any_lost.store(true);
      range->has_lost_pages.store(true);
      errno = code;
      return;
    }
  }
  pass_on(signal, info, context);
  errno = code;
}

// Installs the handler, also if another one was installed over it.
void install() {
  struct sigaction current{};
  if (::sigaction(SIGBUS, nullptr, &current) != 0) return;
  if ((current.sa_flags & SA_SIGINFO) != 0 && current.sa_sigaction == replace_lost_page) return;
  page_bytes.store(static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE)));
  previous_action.store(new struct sigaction(current));  // never freed, since the handler may be reading the last one
  struct sigaction action{};
  action.sa_sigaction = replace_lost_page;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGBUS, &action, nullptr);
}

}  // namespace

TruncationGuard::TruncationGuard(const void* data, std::size_t size_bytes) {
  install();
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
