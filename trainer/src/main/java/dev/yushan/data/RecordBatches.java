package dev.yushan.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Cuts the records of a unit into batches, by a rule that looks at nothing but the records.
/// Cutting is for one thread; the batches can be parsed by others.
public final class RecordBatches implements AutoCloseable {
  private static final int RECORD_OVERHEAD_BYTES = 32;

  private final Unit unit;
  private final Unit.UnitReader reader;
  private final long bytes;

  RecordBatches(Unit unit, long bytes) {
    this.unit = unit;
    this.reader = unit.read();
    this.bytes = bytes;
  }

  /// A record as it was found.
  public sealed interface Found {
    /// A short name of the record, no other of its file has: that of its file and its number.
    String name();

    /// Where it is, for messages.
    String place();

    /// A document.
    record Text(String name, String place, String id, String text) implements Found {}

    /// One that is none.
    ///
    /// @param reason `bad`, `empty` or `ids`
    /// @param text the beginning of what is there in its place
    record None(String name, String place, String reason, String detail, String text)
        implements Found {}
  }

  /// Records that stand together in their file.
  public final class Batch {
    private final List<Unit.Positioned> records;

    private Batch(List<Unit.Positioned> records) {
      this.records = records;
    }

    /// Parses them. On any thread, once.
    public List<Found> parse() {
      List<Found> found = new ArrayList<>(records.size());
      for (Unit.Positioned record : records) {
        found.add(RecordBatches.this.parse(record));
      }
      return found;
    }
  }

  /// The next batch; none at the end.
  public Optional<Batch> next() {
    List<Unit.Positioned> records = new ArrayList<>();
    long size = 0;
    while (size < bytes) {
      var record = reader.next();
      if (record.isEmpty()) {
        break;
      }
      records.add(record.get());
      size += record.get().record().bytes() + RECORD_OVERHEAD_BYTES;
    }
    return records.isEmpty() ? Optional.empty() : Optional.of(new Batch(records));
  }

  private Found parse(Unit.Positioned record) {
    long position = record.position();
    String file = unit.path(position).getFileName().toString();
    String name = unit.place(position).isEmpty() ? file : file + "#" + position;
    String place = unit.where(position);
    return switch (record.record().content().get()) {
      case RecordContent.Text text ->
          new Found.Text(name, place, text.id().orElse(""), text.text());
      case RecordContent.Ids ids ->
          new Found.None(name, place, "ids", "token ids cannot be prepared; give texts", "");
      case RecordContent.Empty empty -> new Found.None(name, place, "empty", empty.why(), "");
      case RecordContent.Bad bad -> new Found.None(name, place, "bad", bad.why(), bad.text());
    };
  }

  @Override
  public void close() {
    reader.close();
  }
}
