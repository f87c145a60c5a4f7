package dev.yushan.http;

/// A loaded model with what counts and reads its requests.
record Served(LoadedModel model, Metrics metrics, GenerationRequest.Reader reader)
    implements AutoCloseable {

  static Served of(LoadedModel model, ServerConfig config) {
    return new Served(
        model,
        new Metrics(model.engine(), config.modelNames().getFirst()),
        new GenerationRequest.Reader(
            model, config.modelNames(), config.limits().choices(), config.requestTimeout()));
  }

  @Override
  public void close() {
    metrics.close();
    model.close();
  }
}
