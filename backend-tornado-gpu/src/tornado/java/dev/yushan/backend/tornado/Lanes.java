package dev.yushan.backend.tornado;

import java.util.Optional;

/// Where the lanes of a device are, as the task of [LanesProvider] tells when a graph runs.
final class Lanes {
  /// Handles of the driver, the stream that of the thread, 0 on a device that has no such things;
  /// and the addresses of first elements: of the parameters of the graph that told, and of the
  /// lanes.
  record Place(long context, long stream, long parameters, long floats, long shorts, long ints) {}

  private Optional<Place> place = Optional.empty();
  private Runnable then = () -> {};
  private Optional<RuntimeException> failure = Optional.empty();

  /// Throws nothing: a graph of TornadoVM that was left by an exception does nothing from then on,
  /// without a word. [#during] does.
  void told(Place place) {
    this.place = Optional.of(place);
    try {
      then.run();
    } catch (RuntimeException e) {
      failure = Optional.of(e);
    }
  }

  /// Runs a graph that has the task.
  ///
  /// @param inside what the task does
  void during(Runnable graph, Runnable inside) {
    failure = Optional.empty();
    then = inside;
    try {
      graph.run();
    } catch (RuntimeException | Error e) {
      failure.ifPresent(e::addSuppressed);
      throw e;
    } finally {
      then = () -> {};
    }
    if (failure.isPresent()) {
      throw failure.get();
    }
  }

  /// What was told last.
  Place place() {
    return place.orElseThrow(() -> new IllegalStateException("no graph has told where lanes are"));
  }
}
