#include "parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

namespace tessera {
namespace {

struct Loop {
  const std::function<void(int64_t, int64_t)>* body;
  int64_t count;
  int64_t grain;
  std::atomic<int64_t> next{0};

  void work() {
    for (;;) {
      const int64_t begin = next.fetch_add(grain);
      if (begin >= count) return;
      (*body)(begin, std::min(begin + grain, count));
    }
  }
};

// Threads that wait for loops. One loop at a time has them; another that comes meanwhile runs on its caller's thread alone, so nobody waits for anybody.
class Helpers {
 public:
  Helpers() {
    const char* named = std::getenv("TF_NUM_INTRAOP_THREADS");
    const int wanted = named != nullptr ? std::atoi(named) : 0;
    const int threads = wanted > 0 ? wanted : static_cast<int>(std::thread::hardware_concurrency());
    for (int i = 1; i < threads; i++) {
      std::thread([this] { serve(); }).detach();
      count_++;
    }
  }

  int count() const { return count_; }

  void run(Loop* loop) {
    if (count_ == 0 || !busy_.try_lock()) {
      loop->work();
      return;
    }
    std::lock_guard<std::mutex> held(busy_, std::adopt_lock);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      loop_ = loop;
      round_++;
    }
    wake_.notify_all();
    loop->work();
    std::unique_lock<std::mutex> lock(mutex_);
    // A helper that wakes up only now finds nothing to do, and nobody waits for it.
    loop_ = nullptr;
    done_.wait(lock, [this] { return active_ == 0; });
  }

 private:
  void serve() {
    uint64_t seen = 0;
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return round_ != seen; });
      seen = round_;
      Loop* loop = loop_;
      if (loop == nullptr) continue;
      active_++;
      lock.unlock();
      loop->work();
      lock.lock();
      if (--active_ == 0) done_.notify_one();
    }
  }

  std::mutex busy_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  Loop* loop_ = nullptr;
  uint64_t round_ = 0;
  int active_ = 0;
  int count_ = 0;
};

}  // namespace

void parallel_for(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  if (count <= 0) return;
  // Never destroyed: its threads outlive everything.
  static Helpers& helpers = *new Helpers();
  grain = std::max<int64_t>(grain, 1);
  if (count <= grain || helpers.count() == 0) {
    body(0, count);
    return;
  }
  // Pieces a few times as many as threads even out what threads lose to others.
  const int64_t pieces = 4 * (helpers.count() + 1);
  Loop loop{&body, count, std::max(grain, (count + pieces - 1) / pieces)};
  helpers.run(&loop);
}

}  // namespace tessera
