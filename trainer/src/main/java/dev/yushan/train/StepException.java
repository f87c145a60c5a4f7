package dev.yushan.train;

import dev.yushan.data.Document;
import dev.yushan.data.MicroBatch;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/// A step that training cannot go past. The weights are those before it.
final class StepException extends TrainingException {
  private static final long serialVersionUID = 1L;
  private static final int DOCUMENTS_NAMED = 5;

  private final transient Progress before;
  private final transient List<MicroBatch> batches;
  private final transient Optional<Spike> spike;

  /// @param before how far the run had come
  /// @param batches what the step was trained on
  /// @param spike that the run stops at; without one a value is not finite
  StepException(String message, Progress before, List<MicroBatch> batches, Optional<Spike> spike) {
    super(message);
    this.before = before;
    this.batches = List.copyOf(batches);
    this.spike = spike;
  }

  Progress before() {
    return before;
  }

  List<MicroBatch> batches() {
    return batches;
  }

  Optional<Spike> spike() {
    return spike;
  }

  /// Whether weights and optimizer are as far as is known in order.
  boolean sound() {
    return spike.isPresent();
  }

  /// Names the documents of `batches`, the first few of them.
  static String documents(List<MicroBatch> batches) {
    List<Document> all = batches.stream().flatMap(batch -> batch.documents().stream()).toList();
    String named =
        all.stream()
            .limit(DOCUMENTS_NAMED)
            .map(Document::toString)
            .collect(Collectors.joining(", "));
    int more = all.size() - DOCUMENTS_NAMED;
    return more > 0 ? named + " and " + more + " more" : named;
  }
}
