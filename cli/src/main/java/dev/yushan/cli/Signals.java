package dev.yushan.cli;

import dev.yushan.train.Progress;
import dev.yushan.train.StepPlan;
import dev.yushan.train.StopRequest;
import dev.yushan.train.TrainingListener;
import java.io.PrintStream;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// SIGINT, SIGTERM and SIGHUP: the first of them asks for an end in order, the second ends the
/// process at once. Before the first step there is nothing to save, and the first one ends it.
///
/// The JDK offers signals only as `sun.misc.Signal` (module jdk.unsupported), for which the
/// compiler has a warning that cannot be switched off: hence the reflection.
final class Signals implements TrainingListener, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Signals.class);
  private static final List<String> NAMES = List.of("INT", "TERM", "HUP");
  private static final int SIGNALLED = 128;

  private final StopRequest stop;
  private final PrintStream out;
  private final List<Runnable> restore = new ArrayList<>();
  private volatile boolean started;

  Signals(StopRequest stop, PrintStream out) {
    this.stop = stop;
    this.out = out;
    try {
      for (String name : NAMES) {
        handle(name);
      }
    } catch (ReflectiveOperationException e) {
      LOG.warn("a signal ends the run at once, without a checkpoint: {}", e.toString());
    }
  }

  @Override
  public void started(StepPlan plan, Progress progress) {
    started = true;
  }

  private void handle(String name) throws ReflectiveOperationException {
    Class<?> type = Class.forName("sun.misc.Signal");
    Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
    Object signal = type.getConstructor(String.class).newInstance(name);
    int number = (int) type.getMethod("getNumber").invoke(signal);
    InvocationHandler raised =
        (proxy, method, arguments) -> {
          if (method.getName().equals("handle")) {
            raised("SIG" + name, number);
            return null;
          }
          return method.getName().equals("equals") ? proxy == arguments[0] : (Object) number;
        };
    Object handler =
        Proxy.newProxyInstance(
            Signals.class.getClassLoader(), new Class<?>[] {handlerType}, raised);
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

  private void raised(String name, int number) {
    if (stop.requested()) {
      Runtime.getRuntime().halt(SIGNALLED + number);
    }
    out.println();
    if (!started) {
      out.println(name + " before the first step: nothing is lost, the same command begins again");
      Runtime.getRuntime().exit(SIGNALLED + number);
    }
    stop.request(name);
    out.println(name + ": the step is finished and saved; another one ends the run at once");
  }

  @Override
  public void close() {
    restore.forEach(Runnable::run);
  }
}
