package dev.yushan.cli.bench;

import dev.yushan.backend.Backend;
import dev.yushan.backend.ForwardingBackend;
import dev.yushan.backend.HostBackend;
import dev.yushan.backend.Kernels;
import dev.yushan.tensor.Tensor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// A backend with a clock around each op, while it is asked to measure: what a piece of work spends
/// its time on. For backends that have done an op when its call returns.
final class OpClock extends ForwardingBackend {
  /// The rest of the time; the last of each work.
  static final String NO_OP = "between ops";

  /// What the calls of an op took; those of a product by its sizes.
  ///
  /// @param of the work that they are a part of
  /// @param calls 0 of what is no op
  /// @param flops operations a second of a product; 0 of other ops
  /// @param bytes of the second operand of a product that are read a second, the weights where it
  ///   is one of a layer; 0 of other ops
  record OpTime(
      String of, String op, long calls, double seconds, double share, double flops, double bytes) {}

  /// Sums of an op's calls.
  private static final class Sums {
    long calls;
    long nanos;
    double flops;
    double bytes;

    OpTime of(String work, String op, double all) {
      double seconds = nanos * 1e-9;
      return new OpTime(work, op, calls, seconds, nanos / all, flops / seconds, bytes / seconds);
    }
  }

  private final Kernels kernels;
  private final Map<List<Object>, Sums> ops = new HashMap<>();
  private boolean running;

  OpClock(Backend backend) {
    super(backend);
    Kernels real = backend.kernels();
    kernels =
        (Kernels)
            Proxy.newProxyInstance(
                Kernels.class.getClassLoader(),
                new Class<?>[] {Kernels.class},
                (proxy, op, arguments) -> timed(real, op, arguments));
  }

  @Override
  public Kernels kernels() {
    return kernels;
  }

  private Object timed(Kernels real, Method op, Object[] arguments) throws Throwable {
    long start = System.nanoTime();
    try {
      return op.invoke(real, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    } finally {
      if (running) {
        add(op.getName(), arguments, System.nanoTime() - start);
      }
    }
  }

  private void add(String op, Object[] arguments, long nanos) {
    boolean product = op.equals("matmul");
    List<Object> key = product ? product(arguments) : List.of(op);
    Sums sums = ops.computeIfAbsent(key, k -> new Sums());
    sums.calls++;
    sums.nanos += nanos;
    if (product) {
      sums.flops += 2.0 * (long) key.get(3) * (long) key.get(4) * (long) key.get(5);
      Tensor second = (Tensor) arguments[4];
      sums.bytes += second.dtype().bytes(second.elements());
    }
  }

  /// What a product is of: its name, whether operands are transposed, and its sizes, of live rows.
  private static List<Object> product(Object[] arguments) {
    Tensor a = (Tensor) arguments[3];
    Tensor c = (Tensor) arguments[6];
    boolean plain = arguments[0] == Kernels.Op.N;
    long rows = HostBackend.liveRows(c);
    long k = plain ? a.columns() : HostBackend.liveRows(a);
    return List.of("matmul", arguments[0], arguments[1], rows, c.columns(), k);
  }

  private static String name(List<Object> key) {
    return key.size() == 1
        ? key.getFirst().toString()
        : "%s %s%s %s · %s · %s".formatted(key.toArray());
  }

  /// What ops take of the work, from most to least.
  ///
  /// @param of its name
  List<OpTime> measure(String of, Runnable work) {
    ops.clear();
    running = true;
    long start = System.nanoTime();
    work.run();
    double all = System.nanoTime() - start;
    running = false;
    List<OpTime> times = new ArrayList<>();
    double within = 0;
    for (Map.Entry<List<Object>, Sums> op : ops.entrySet()) {
      Sums s = op.getValue();
      within += s.nanos;
      times.add(s.of(of, name(op.getKey()), all));
    }
    times.sort(Comparator.comparingDouble(OpTime::seconds).reversed());
    double rest = all - within;
    times.add(new OpTime(of, NO_OP, 0, rest * 1e-9, rest / all, 0, 0));
    return times;
  }
}
