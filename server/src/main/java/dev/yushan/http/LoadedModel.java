package dev.yushan.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.engine.Engine;
import dev.yushan.text.Tokenizer;
import java.util.Optional;

/// A model that is ready to answer.
///
/// @param root where it came from, for `/v1/models`
/// @param samplingDefaults the object of `generation_config.json`, or an empty one: what requests
///   leave out
/// @param chatFormat none for a base model
/// @param structured what makes constraints; none refuses requests that ask for one
/// @param closeAction frees engine, model and backend
public record LoadedModel(
    Engine engine,
    Tokenizer tokenizer,
    String root,
    JsonNode samplingDefaults,
    Optional<ChatFormat> chatFormat,
    Optional<StructuredOutput> structured,
    Runnable closeAction)
    implements AutoCloseable {

  /// @throws IllegalArgumentException for sampling defaults that are out of range
  public LoadedModel {
    SamplingFields.requireUsable(samplingDefaults, tokenizer);
  }

  @Override
  public void close() {
    closeAction.run();
  }
}
