package dev.yushan.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/// What is read and cached as one: a file, or up to 256 neighbouring `.txt` files.
public record Unit(List<SourceFile> files) {
  private static final int TEXT_FILES = 256;

  public Unit {
    files = List.copyOf(files);
  }

  /// `files` in order, as units.
  public static List<Unit> of(List<SourceFile> files) {
    List<Unit> units = new ArrayList<>();
    List<SourceFile> texts = new ArrayList<>();
    for (SourceFile file : files) {
      boolean isText = file.format() == Format.TXT;
      if (!texts.isEmpty() && (!isText || texts.size() == TEXT_FILES)) {
        units.add(new Unit(List.copyOf(texts)));
        texts.clear();
      }
      if (isText) {
        texts.add(file);
      } else {
        units.add(new Unit(List.of(file)));
      }
    }
    if (!texts.isEmpty()) {
      units.add(new Unit(List.copyOf(texts)));
    }
    return units;
  }

  private boolean isTexts() {
    return files.getFirst().format() == Format.TXT;
  }

  /// The file a record came from. Positions in a unit of `.txt` files are the number of the file.
  Path path(long position) {
    return files.get(isTexts() ? (int) position : 0).path();
  }

  /// Its place within the file, such as `line 17`; empty where the file is one record.
  String place(long position) {
    return isTexts() ? "" : files.getFirst().format().unit() + " " + position;
  }

  /// Its file; of several the first, and how many there are more.
  public String name() {
    String first = files.getFirst().path().toString();
    return files.size() == 1 ? first : first + " and %d more".formatted(files.size() - 1);
  }

  /// Where a record is, for messages.
  String where(long position) {
    String place = place(position);
    return place.isEmpty() ? path(position).toString() : path(position) + " " + place;
  }

  /// When each file was last written.
  public List<FileTime> modified() {
    List<FileTime> times = new ArrayList<>();
    for (SourceFile file : files) {
      try {
        times.add(Files.getLastModifiedTime(file.path()));
      } catch (IOException e) {
        throw new DataException(file.path() + " cannot be read: " + e.getMessage(), e);
      }
    }
    return times;
  }

  /// Its records in batches, which end with the record that reaches `bytes` of source.
  public RecordBatches batches(long bytes) {
    return new RecordBatches(this, bytes);
  }

  /// A hash of the content of its files.
  public String contentHash() {
    return ContentHash.ofText(
        files.stream().map(f -> ContentHash.of(f.path())).collect(Collectors.joining("\n")));
  }

  /// Reads all records, in order.
  UnitReader read() {
    return new UnitReader();
  }

  /// A record with its position in the unit.
  record Positioned(RawRecord record, long position) {}

  /// The files of a unit one after the other.
  final class UnitReader implements AutoCloseable {
    private int file = -1;
    private Optional<RecordReader> reader = Optional.empty();

    Optional<Positioned> next() {
      while (true) {
        Optional<RawRecord> record = reader.flatMap(RecordReader::next);
        if (record.isPresent()) {
          return Optional.of(
              new Positioned(record.get(), isTexts() ? file : record.get().position()));
        }
        close();
        file = Math.min(file + 1, files.size());
        if (file == files.size()) {
          return Optional.empty();
        }
        reader = Optional.of(RecordReader.open(files.get(file)));
      }
    }

    @Override
    public void close() {
      reader.ifPresent(RecordReader::close);
      reader = Optional.empty();
    }
  }
}
