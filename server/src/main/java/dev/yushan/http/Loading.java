package dev.yushan.http;

/// How far the loading of a model has come.
///
/// @param what is being done, in words
/// @param done the share of the weights that is done, 0 to 1; never falls. A weight is done by half
///   when it is read, and wholly when it lies as the backend wants it
public record Loading(String what, double done) {
  /// Rounded down, so that it is 1 only at the end.
  double thousandths() {
    return Math.floor(done * 1000) / 1000;
  }

  /// For people.
  public String words() {
    return "%s, %d %%".formatted(what, (int) (done * 100));
  }
}
