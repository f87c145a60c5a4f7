package dev.yushan.cli;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Tells of SIGINT, SIGTERM and SIGHUP in the place of ending the process, until it is closed.
///
/// The JDK offers signals only as `sun.misc.Signal` (module jdk.unsupported), for which the
/// compiler has a warning that cannot be switched off: hence the reflection.
final class RaisedSignals implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RaisedSignals.class);
  private static final List<String> NAMES = List.of("INT", "TERM", "HUP");

  /// The exit code of a process that a signal ends is this and its number.
  static final int SIGNALLED = 128;

  /// Is told of a signal, on a thread of the JVM's.
  @FunctionalInterface
  interface Listener {
    /// @param name such as SIGTERM
    void raised(String name, int number);
  }

  private final Listener listener;
  private final List<Runnable> restore = new ArrayList<>();

  RaisedSignals(Listener listener) {
    this.listener = listener;
    try {
      for (String name : NAMES) {
        handle(name);
      }
    } catch (ReflectiveOperationException e) {
      LOG.warn("a signal ends the process at once, and nothing is finished: {}", e.toString());
    }
  }

  private void handle(String name) throws ReflectiveOperationException {
    Class<?> type = Class.forName("sun.misc.Signal");
    Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
    Object signal = type.getConstructor(String.class).newInstance(name);
    int number = (int) type.getMethod("getNumber").invoke(signal);
    InvocationHandler raised =
        (proxy, method, arguments) -> {
          if (method.getName().equals("handle")) {
            listener.raised("SIG" + name, number);
            return null;
          }
          return method.getName().equals("equals") ? proxy == arguments[0] : (Object) number;
        };
    Object handler =
        Proxy.newProxyInstance(
            RaisedSignals.class.getClassLoader(), new Class<?>[] {handlerType}, raised);
    var set = type.getMethod("handle", type, handlerType);
    Object former = set.invoke(null, signal, handler);
    Runnable putBack =
        () -> {
          try {
            set.invoke(null, signal, former);
          } catch (ReflectiveOperationException e) {
            LOG.debug("{} keeps its handler", name, e);
          }
        };
    // nohup and shells ignore a signal for a process on purpose
    if (former.equals(handlerType.getField("SIG_IGN").get(null))) {
      putBack.run();
    } else {
      restore.add(putBack);
    }
  }

  @Override
  public void close() {
    restore.forEach(Runnable::run);
  }
}
