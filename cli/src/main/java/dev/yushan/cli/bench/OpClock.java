package dev.yushan.cli.bench;

import dev.yushan.backend.Backend;
import dev.yushan.backend.ForwardingBackend;
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

/// A backend with a clock around each op: what a piece of work spends its time on. For backends
/// that have done an op when its call returns.
final class OpClock extends ForwardingBackend {
  /// The rest of the time.
  private static final String NO_OP = "between ops";

  /// What the calls of an op took; those of a product by its sizes.
  ///
  /// @param of the work that they are a part of
  /// @param flops operations of a product, of all calls; 0 for other ops
  record OpTime(String of, String op, long calls, double seconds, double share, double flops) {}

  /// Sums of an op's calls.
  private static final class Sums {
    long calls;
    long nanos;
    double flops;
  }

  private final Kernels kernels;
  private final Map<String, Sums> ops = new HashMap<>();

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
      add(op.getName(), arguments, System.nanoTime() - start);
    }
  }

  private void add(String op, Object[] arguments, long nanos) {
    String name = op;
    double flops = 0;
    if (op.equals("matmul")) {
      Tensor a = (Tensor) arguments[3];
      Tensor c = (Tensor) arguments[6];
      long k = arguments[0] == Kernels.Op.N ? a.columns() : a.rows();
      name =
          "matmul %s%s %d · %d · %d"
              .formatted(arguments[0], arguments[1], c.rows(), c.columns(), k);
      flops = 2.0 * c.rows() * c.columns() * k;
    }
    Sums sums = ops.computeIfAbsent(name, key -> new Sums());
    sums.calls++;
    sums.nanos += nanos;
    sums.flops += flops;
  }

  /// What ops take of the work, from most to least.
  ///
  /// @param of its name
  List<OpTime> measure(String of, Runnable work) {
    ops.clear();
    long start = System.nanoTime();
    work.run();
    double all = System.nanoTime() - start;
    List<OpTime> times = new ArrayList<>();
    double within = 0;
    for (Map.Entry<String, Sums> op : ops.entrySet()) {
      Sums s = op.getValue();
      within += s.nanos;
      times.add(new OpTime(of, op.getKey(), s.calls, s.nanos * 1e-9, s.nanos / all, s.flops));
    }
    times.sort(Comparator.comparingDouble(OpTime::seconds).reversed());
    double rest = all - within;
    times.add(new OpTime(of, NO_OP, 1, rest * 1e-9, rest / all, 0));
    return times;
  }
}
