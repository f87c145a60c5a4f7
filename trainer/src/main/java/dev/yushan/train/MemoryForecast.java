package dev.yushan.train;

/// The memory that training takes, computed before any of it is taken.
///
/// @param parameters trained weights
/// @param weights bytes of weights
/// @param gradients bytes of their gradients
/// @param optimizer bytes of optimizer state
/// @param buffers bytes of tables of the model and of small tensors
/// @param activations bytes of activations and their gradients at the highest point, and of the
///   batch
/// @param logits bytes of the chunk of logits
/// @param evaluation bytes of the largest evaluation pass, or of the cache of samples, which are
///   taken beside all this
/// @param loading bytes of checkpoint files that are mapped while a run is resumed, before the
///   first pass; like all mapped files they give way when memory is short
/// @param host what the process takes besides
record MemoryForecast(
    long parameters,
    long weights,
    long gradients,
    long optimizer,
    long buffers,
    long activations,
    long logits,
    long evaluation,
    long loading,
    HostForecast host) {

  /// How far peaks have been above their forecasts (docs/reference/forecast.md), rounded up: large
  /// ones in shares, small ones in bytes, since there it is the JVM that differs.
  private static final double MARGIN = 0.03;

  private static final long LEAST_MARGIN = 32L << 20;

  /// Bytes of tensors.
  long device() {
    return weights + gradients + optimizer + buffers + passes();
  }

  /// The same where nothing is drawn.
  MemoryForecast undrawn() {
    return new MemoryForecast(
        parameters,
        weights,
        gradients,
        optimizer,
        buffers,
        activations,
        logits,
        evaluation,
        loading,
        host.undrawn());
  }

  private long passes() {
    return activations + logits + evaluation;
  }

  /// Bytes that the process will hold where tensors lie in the memory of the host: to be compared
  /// with its peak resident set. Mapped files are part of that.
  long resident(boolean tensorsOnHost) {
    long loaded = (tensorsOnHost ? device() - passes() : 0) + loading;
    return Math.max(onHost(tensorsOnHost), loaded) + host.needed() + host.dataMapped();
  }

  /// Bytes of the host's memory for tensors and pictures, of which the passes have theirs first.
  long onHost(boolean tensorsOnHost) {
    long held = tensorsOnHost ? device() - passes() : 0;
    return held + Math.max(tensorsOnHost ? passes() : 0, host.drawing());
  }

  /// Bytes still to be taken of the memory that holds the tensors, with the margin of the host.
  long toCome(boolean tensorsOnHost) {
    return tensorsOnHost ? toComeOnHost(true) : device();
  }

  /// Bytes still to be taken of the host's memory, with a margin for what the forecast of the
  /// process may miss: tensors are counted to the byte, but what the JVM takes is not.
  long toComeOnHost(boolean tensorsOnHost) {
    long bytes = onHost(tensorsOnHost) + host.growth();
    return bytes + margin(bytes);
  }

  private static long margin(long bytes) {
    return Math.max(LEAST_MARGIN, (long) (MARGIN * bytes));
  }

  /// The rows, and their sum.
  SizeTable table(boolean tensorsOnHost) {
    SizeTable table = new SizeTable();
    table.add("weights", weights, "%,d parameters, float32".formatted(parameters));
    table.add("gradients", gradients, "float32");
    table.add("optimizer state", optimizer, "");
    table.add("model tables, scalars", buffers, "");
    table.add("activations", activations, "the largest micro-batch, with their gradients");
    table.add("logits", logits, "one chunk");
    table.add(
        "evaluation",
        evaluation,
        "its activations or the cache of samples, beside those of training");
    table.add("tensors", device(), "");
    table.add("data index", host.dataIndex(), "where documents and rows are");
    table.add("tokenised data", host.dataMapped(), "mapped files; given back when memory is short");
    table.add("resumed checkpoint", loading, "mapped while it is loaded, before any activation");
    table.add("JVM so far", host.jvm(), "heap, classes, code, libraries, as measured now");
    table.add("JVM heap to come", host.heapGrowth(), "young generation not used yet");
    table.add("JVM compiler", host.compiler(), "code of the kernels, buffers of threads");
    table.add("drawing", host.drawing(), "pictures of the losses, when the passes have ended");
    table.add(
        "margin",
        margin(onHost(tensorsOnHost) + host.growth()),
        "kept free, not part of the process");
    table.add("process", resident(tensorsOnHost), "to compare with its peak RSS");
    return table;
  }
}
