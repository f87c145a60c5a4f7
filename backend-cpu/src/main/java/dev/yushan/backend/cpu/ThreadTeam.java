package dev.yushan.backend.cpu;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;

/// A fixed set of threads that work off the tasks of one call at a time; the caller is one of them.
///
/// How a call is cut into tasks is a function of its operands, and no task depends on another, so
/// which thread takes which one changes no result. Each thread begins with a share of its own, the
/// first part of the tasks or the second and so on, in every call: what it wrote in one op it
/// mostly reads in the next, from its own caches. Who is done helps the others. Workers spin for a
/// moment after a call, since the next one usually follows at once, then sleep.
final class ThreadTeam implements AutoCloseable {
  private static final long SPIN_NANOS = 20_000;

  private final List<Worker> workers = new ArrayList<>();
  private final AtomicBoolean busy = new AtomicBoolean();
  private volatile Job job = new Job(1, 0, i -> {}, false);
  private volatile boolean closed;

  ThreadTeam(int threads) {
    for (int i = 1; i < threads; i++) {
      Worker worker = new Worker(i);
      workers.add(worker);
      worker.start();
    }
  }

  int threads() {
    return workers.size() + 1;
  }

  /// Runs `task` for `0 … tasks-1`, in any order, and returns when all are done. The first failure
  /// is thrown here; tasks not yet begun are then left out. While a call runs, another one, from
  /// inside a task or from elsewhere, runs in its own thread.
  void run(int tasks, IntConsumer task) {
    run(tasks, task, false);
  }

  /// The same for tasks that become shorter, or longer, one by one: they are dealt in turn, so that
  /// the share of each thread has long and short ones.
  void deal(int tasks, IntConsumer task) {
    run(tasks, task, true);
  }

  private void run(int tasks, IntConsumer task, boolean dealt) {
    if (tasks <= 1 || workers.isEmpty() || !busy.compareAndSet(false, true)) {
      for (int i = 0; i < tasks; i++) {
        task.accept(i);
      }
      return;
    }
    try {
      Job mine = new Job(threads(), tasks, task, dealt);
      job = mine;
      workers.forEach(Worker::wake);
      mine.work(0);
      mine.await();
    } finally {
      busy.set(false);
    }
  }

  /// Cuts `0 … length-1` into ranges of at least `grain` elements, a few for each thread.
  void ranges(long length, long grain, Range range) {
    long most = Math.max(1, Math.min(4L * threads(), length / Math.max(1, grain)));
    int parts = (int) (threads() == 1 ? 1 : most);
    run(parts, i -> range.accept(length * i / parts, length * (i + 1) / parts));
  }

  /// The first task of a thread's share: with fewer tasks than threads, the caller has one.
  static int first(int tasks, int thread, int threads) {
    return tasks / threads * thread + Math.min(thread, tasks % threads);
  }

  /// Work on the elements `from` (included) to `to` (excluded).
  interface Range {
    void accept(long from, long to);
  }

  @Override
  public void close() {
    closed = true;
    workers.forEach(LockSupport::unpark);
    for (Worker worker : workers) {
      try {
        worker.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /// One call: its tasks, those of each thread in order.
  private static final class Job {
    /// Counters lie so far apart, and from the length of their array, that no two are in a cache
    /// line, nor in the next one, which processors fetch with it.
    private static final int APART = 32;

    private final int threads;
    private final int tasks;
    private final IntConsumer task;
    private final boolean dealt;
    private final AtomicIntegerArray begun;
    private final AtomicInteger done = new AtomicInteger();
    private volatile Throwable failure;

    /// @param dealt whether tasks are dealt to the shares one by one, in place of a piece to each
    Job(int threads, int tasks, IntConsumer task, boolean dealt) {
      this.threads = threads;
      this.tasks = tasks;
      this.task = task;
      this.dealt = dealt;
      begun = new AtomicIntegerArray((threads + 1) * APART);
    }

    /// Works off the share of a thread, then what is left of the shares after it.
    void work(int thread) {
      for (int i = 0; i < threads; i++) {
        share((thread + i) % threads);
      }
    }

    private void share(int of) {
      int from = first(tasks, of, threads);
      int size = first(tasks, of + 1, threads) - from;
      int counter = (of + 1) * APART;
      while (begun.get(counter) < size) {
        int i = begun.getAndIncrement(counter);
        if (i < size) {
          run(dealt ? i * threads + of : from + i);
        }
      }
    }

    private void run(int i) {
      try {
        if (failure == null) {
          task.accept(i);
        }
      } catch (Throwable e) {
        failure = failure == null ? e : failure;
      } finally {
        done.getAndIncrement();
      }
    }

    void await() {
      for (int spins = 0; done.get() < tasks; spins++) {
        if (spins < 10_000) {
          Thread.onSpinWait();
        } else {
          Thread.yield();
        }
      }
      switch (failure) {
        case null -> {}
        case RuntimeException e -> throw e;
        case Error e -> throw e;
        case Throwable e -> throw new IllegalStateException(e);
      }
    }
  }

  private final class Worker extends Thread {
    private final int number;
    private volatile boolean asleep;

    /// @param number from 1; the caller is thread 0
    Worker(int number) {
      super("yushan-cpu-" + number);
      this.number = number;
      setDaemon(true);
    }

    void wake() {
      if (asleep) {
        LockSupport.unpark(this);
      }
    }

    @Override
    public void run() {
      Job last = null;
      long idleSince = System.nanoTime();
      while (!closed) {
        Job current = job;
        if (current != last) {
          current.work(number);
          last = current;
          idleSince = System.nanoTime();
        } else if (System.nanoTime() - idleSince < SPIN_NANOS) {
          Thread.onSpinWait();
        } else {
          asleep = true;
          if (job == last && !closed) {
            LockSupport.park(ThreadTeam.this);
          }
          asleep = false;
        }
      }
    }
  }
}
