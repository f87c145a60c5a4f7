package dev.yushan.data;

import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;

/// The records of data files one by one, in the order of the files: for what is not training, such
/// as scoring. One record is in memory at a time.
///
/// A record that cannot be used ends the reading with a [DataException] that names file and place.
public final class Records implements Iterator<DataRecord>, AutoCloseable {
  private final Iterator<SourceFile> files;
  private Optional<RecordReader> reader = Optional.empty();
  private Optional<DataRecord> next = Optional.empty();
  private SourceFile file;

  private Records(List<SourceFile> files) {
    this.files = files.iterator();
  }

  /// Opens the files that `config` names.
  ///
  /// @throws DataException if one does not exist or is of no known format
  public static Records open(SourceConfig config) {
    return new Records(Sources.files(Sources.resolve(config)));
  }

  @Override
  public boolean hasNext() {
    while (next.isEmpty()) {
      if (reader.isEmpty()) {
        if (!files.hasNext()) {
          return false;
        }
        file = files.next();
        reader = Optional.of(RecordReader.open(file));
      }
      next = reader.get().next().map(this::content);
      if (next.isEmpty()) {
        close();
      }
    }
    return true;
  }

  @Override
  public DataRecord next() {
    if (!hasNext()) {
      throw new NoSuchElementException("all records have been read");
    }
    DataRecord record = next.get();
    next = Optional.empty();
    return record;
  }

  private DataRecord content(RawRecord raw) {
    String unit = file.format().unit();
    String place =
        unit.isEmpty() ? "" + file.path() : file.path() + " " + unit + " " + raw.position();
    return switch (raw.content().get()) {
      case RecordContent.Text(String text, Optional<String> id) ->
          new DataRecord.Text(place, text, id);
      case RecordContent.Ids(int[] ids, int[] labels) -> new DataRecord.Ids(place, ids, labels);
      case RecordContent.Empty empty -> new DataRecord.Text(place, "", Optional.empty());
      case RecordContent.Bad(String why, String text) ->
          throw new DataException(place + ": " + why + "; correct or remove the record");
    };
  }

  @Override
  public void close() {
    reader.ifPresent(RecordReader::close);
    reader = Optional.empty();
  }
}
