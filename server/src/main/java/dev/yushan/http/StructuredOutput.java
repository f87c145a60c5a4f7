package dev.yushan.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.generate.TokenConstraint;
import dev.yushan.structured.Structured;
import java.util.List;

/// Makes constraints over the vocabulary of the model. All throw [IllegalArgumentException], naming
/// what is not understood.
public interface StructuredOutput {
  /// Text that is JSON of a schema.
  TokenConstraint jsonSchema(JsonNode schema);

  /// Text that is a JSON object.
  TokenConstraint jsonObject();

  /// Text that matches as a whole.
  TokenConstraint regex(String pattern);

  /// One of the texts.
  TokenConstraint choice(List<String> choices);

  /// That of the automata over a vocabulary.
  static StructuredOutput of(Structured structured) {
    return new StructuredOutput() {
      @Override
      public TokenConstraint jsonSchema(JsonNode schema) {
        return structured.json(schema);
      }

      @Override
      public TokenConstraint jsonObject() {
        return structured.anyJson();
      }

      @Override
      public TokenConstraint regex(String pattern) {
        return structured.regex(pattern);
      }

      @Override
      public TokenConstraint choice(List<String> choices) {
        return structured.choice(choices);
      }
    };
  }
}
