package dev.yushan.train;

/// Ends a run from outside, but leaves the process alive.
final class PowerCut extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private PowerCut() {
    super("power cut");
  }

  /// Comes when the run has taken this many steps.
  static TrainingListener after(long steps) {
    return new TrainingListener() {
      @Override
      public void stepped(StepReport step, Progress progress) {
        if (progress.steps() == steps) {
          throw new PowerCut();
        }
      }
    };
  }
}
