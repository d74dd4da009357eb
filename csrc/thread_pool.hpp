// One pool of worker threads for every kernel.
#pragma once

#include <cstddef>
#include <functional>

namespace maskwright {

// Calls task(0) ... task(count - 1), each once and in no order, on at most `threads` threads of which the caller is one; returns
// when all are done. A task must not throw. When the pool is busy with another caller's job, the job runs on the caller's thread
// alone. Safe in a process forked from one that used the pool.
void parallel_for(std::size_t count, int threads, const std::function<void(std::size_t)>& task);

}  // namespace maskwright
