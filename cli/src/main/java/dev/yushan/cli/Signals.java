package dev.yushan.cli;

import dev.yushan.train.Progress;
import dev.yushan.train.StepPlan;
import dev.yushan.train.StopRequest;
import dev.yushan.train.TrainingListener;
import java.io.PrintStream;

/// SIGINT, SIGTERM and SIGHUP: the first of them asks for an end in order, the second ends the
/// process at once. Before the first step there is nothing to save, and the first one ends it.
final class Signals implements TrainingListener, AutoCloseable {
  private final StopRequest stop;
  private final PrintStream out;
  private final RaisedSignals signals;
  private volatile boolean started;

  Signals(StopRequest stop, PrintStream out) {
    this.stop = stop;
    this.out = out;
    this.signals = new RaisedSignals(this::raised);
  }

  @Override
  public void started(StepPlan plan, Progress progress) {
    started = true;
  }

  private void raised(String name, int number) {
    if (stop.requested()) {
      Runtime.getRuntime().halt(RaisedSignals.SIGNALLED + number);
    }
    out.println();
    if (!started) {
      out.println(name + " before the first step: nothing is lost, the same command begins again");
      Runtime.getRuntime().exit(RaisedSignals.SIGNALLED + number);
    }
    stop.request(name);
    out.println(name + ": the step is finished and saved; another one ends the run at once");
  }

  @Override
  public void close() {
    signals.close();
  }
}
