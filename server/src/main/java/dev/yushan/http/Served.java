package dev.yushan.http;

/// A loaded model with what counts and reads its requests.
record Served(LoadedModel model, Metrics metrics, GenerationRequest.Reader reader)
    implements AutoCloseable {

  static Served of(LoadedModel model, ServerConfig config) {
    return new Served(
        model,
        new Metrics(model.engine(), config.modelNames().getFirst()),
        GenerationRequest.Reader.of(model, config));
  }

  @Override
  public void close() {
    metrics.close();
    model.close();
  }
}
