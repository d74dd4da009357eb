#include "thread_pool.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <system_error>
#include <thread>

#if !defined(_WIN32)
#include <pthread.h>
#endif

namespace maskwright {
namespace {

class ThreadPool {
 public:
  bool try_run(std::size_t count, int threads, const std::function<void(std::size_t)>& task) {
    std::unique_lock<std::mutex> job(one_job_, std::try_to_lock);
    if (!job.owns_lock()) return false;
    const int helpers = static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(threads), count)) - 1;
    {
      std::lock_guard<std::mutex> guard(state_);
      while (workers_ < helpers && start_worker()) ++workers_;
      task_ = &task;
      count_ = count;
      next_.store(0, std::memory_order_relaxed);
      places_ = std::min(helpers, workers_);
    }
    wake_.notify_all();
    take_turns(task, count);
    std::unique_lock<std::mutex> guard(state_);
    places_ = 0;  // whoever wakes only now finds nothing left to join
    done_.wait(guard, [this] { return active_ == 0; });
    return true;
  }

 private:
  bool start_worker() {
    try {
      std::thread([this] { work(); }).detach();
      return true;
    } catch (const std::system_error&) {
      return false;  // out of threads: the job runs on those there are
    }
  }

  void work() {
    std::unique_lock<std::mutex> guard(state_);
    while (true) {
      wake_.wait(guard, [this] { return places_ > 0; });
      --places_;
      ++active_;
      const auto* task = task_;
      const std::size_t count = count_;
      guard.unlock();
      take_turns(*task, count);
      guard.lock();
      if (--active_ == 0) done_.notify_one();
    }
  }

  void take_turns(const std::function<void(std::size_t)>& task, std::size_t count) {
    for (std::size_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < count;) task(i);
  }

  std::mutex one_job_;
  std::mutex state_;
  std::condition_variable wake_;
  std::condition_variable done_;
  std::atomic<std::size_t> next_{0};
  const std::function<void(std::size_t)>* task_ = nullptr;
  std::size_t count_ = 0;
  int workers_ = 0;
  int places_ = 0;  // how many workers may still join the job
  int active_ = 0;  // how many joined and have not finished
};

std::atomic<ThreadPool*> shared_pool{nullptr};

// Leaked on purpose: at exit its threads may be waiting inside it, and in a forked child they do not exist, so that neither
// joining nor destroying would be right. The child starts with a pool of its own.
ThreadPool& pool() {
#if !defined(_WIN32)
  static const int registered = pthread_atfork(nullptr, nullptr, [] { shared_pool.store(nullptr); });
  (void)registered;
#endif
  ThreadPool* current = shared_pool.load();
  if (current == nullptr) {
    auto* fresh = new ThreadPool;
    if (shared_pool.compare_exchange_strong(current, fresh)) return *fresh;
    delete fresh;  // another thread was first; `current` is now its pool, and ours has no workers yet
  }
  return *current;
}

}  // namespace

void parallel_for(std::size_t count, int threads, const std::function<void(std::size_t)>& task) {
  if (threads > 1 && count > 1 && pool().try_run(count, threads, task)) return;
  for (std::size_t i = 0; i < count; ++i) task(i);
}

}  // namespace maskwright
