package dev.yushan.report;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/// Writes an event file of TensorBoard: TFRecords (length, masked CRC-32C of it, data, masked CRC
/// of that) of `Event` messages (tensorflow/core/util/event.proto, framework/summary.proto).
///
/// Each event is handed to the operating system as a whole, so a killed process leaves all but
/// perhaps the last, which readers pass over. A run that is continued writes another file, whose
/// first event lets TensorBoard forget what the former recorded from that step on.
public final class EventFile implements AutoCloseable {
  private static final String PREFIX = "events.out.tfevents.";
  private static final int MASK = 0xa282ead8;
  private static final int SESSION_START = 1;
  private static final int DT_STRING = 7;

  private final Path path;
  private final FileChannel channel;

  private EventFile(Path path, FileChannel channel) {
    this.path = path;
    this.channel = channel;
  }

  /// Opens a new file in `directory`, which is made if absent. Its name sorts after those there,
  /// for TensorBoard reads them in that order.
  ///
  /// @param purgeStep of a run that is continued: the first step whose former records no longer
  ///   count
  public static EventFile create(Path directory, OptionalLong purgeStep) {
    try {
      Files.createDirectories(directory);
      long seconds = System.currentTimeMillis() / 1000;
      for (Path former : all(directory)) {
        seconds = Math.max(seconds, seconds(former) + 1);
      }
      Path path = directory.resolve(PREFIX + seconds + "." + ProcessHandle.current().pid());
      EventFile file =
          new EventFile(
              path,
              FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE));
      file.append(event(0).bytes(3, "brain.Event:2".getBytes(UTF_8)));
      if (purgeStep.isPresent()) {
        Message start = new Message().number(1, SESSION_START);
        file.append(event(purgeStep.getAsLong()).message(7, start));
      }
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(
          "no event file can be made in "
              + directory
              + ": make it writable, or set report_to: none",
          e);
    }
  }

  /// Deletes the event files in `directory`, if there is one.
  public static void deleteAll(Path directory) {
    try {
      for (Path file : Files.isDirectory(directory) ? all(directory) : List.<Path>of()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(
          directory + " cannot be cleared of event files: make it writable", e);
    }
  }

  private static List<Path> all(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(file -> file.getFileName().toString().startsWith(PREFIX)).toList();
    }
  }

  private static long seconds(Path file) {
    String rest = file.getFileName().toString().substring(PREFIX.length());
    return rest.matches("\\d{1,12}\\..*") ? Long.parseLong(rest.replaceFirst("\\..*", "")) : 0;
  }

  /// Records numbers under their tags.
  public void scalars(long step, Map<String, Double> values) {
    Message summary = new Message();
    values.forEach(
        (tag, value) ->
            summary.message(
                1, new Message().bytes(1, tag.getBytes(UTF_8)).real32(2, value.floatValue())));
    append(event(step).message(5, summary));
  }

  /// Records a text, which TensorBoard shows as Markdown.
  public void text(long step, String tag, String text) {
    Message shape = new Message().message(2, new Message().number(1, 1));
    Message tensor =
        new Message().number(1, DT_STRING).message(2, shape).bytes(8, text.getBytes(UTF_8));
    Message plugin = new Message().message(1, new Message().bytes(1, "text".getBytes(UTF_8)));
    Message value =
        new Message().bytes(1, tag.getBytes(UTF_8)).message(8, tensor).message(9, plugin);
    append(event(step).message(5, new Message().message(1, value)));
  }

  private static Message event(long step) {
    Message event = new Message().real64(1, System.currentTimeMillis() / 1000.0);
    return step == 0 ? event : event.number(2, step);
  }

  private void append(Message event) {
    byte[] data = event.toBytes();
    ByteBuffer record = ByteBuffer.allocate(data.length + 16).order(ByteOrder.LITTLE_ENDIAN);
    record.putLong(data.length);
    record.putInt(maskedCrc(record.array(), 8));
    record.put(data);
    record.putInt(maskedCrc(data, data.length));
    record.flip();
    try {
      while (record.hasRemaining()) {
        channel.write(record);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(
          path + " cannot be written: free some space, or make it writable", e);
    }
  }

  private static int maskedCrc(byte[] bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, length);
    int value = (int) crc.getValue();
    return (value >>> 15 | value << 17) + MASK;
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException(
          path + " cannot be closed: free some space, or check the disk", e);
    }
  }

  /// A message in the wire format of Protocol Buffers: each field its number and wire type, then
  /// the value.
  private static final class Message {
    private static final int VARINT = 0;
    private static final int FIXED64 = 1;
    private static final int LENGTH = 2;
    private static final int FIXED32 = 5;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    private Message field(int number, int wireType) {
      return varint((long) number << 3 | wireType);
    }

    private Message varint(long value) {
      long rest = value;
      while ((rest & ~0x7FL) != 0) {
        out.write((int) (rest & 0x7F | 0x80));
        rest >>>= 7;
      }
      out.write((int) rest);
      return this;
    }

    private Message little(long value, int bytes) {
      for (int i = 0; i < bytes; i++) {
        out.write((int) (value >>> 8 * i));
      }
      return this;
    }

    Message number(int field, long value) {
      return field(field, VARINT).varint(value);
    }

    Message real64(int field, double value) {
      return field(field, FIXED64).little(Double.doubleToRawLongBits(value), 8);
    }

    Message real32(int field, float value) {
      return field(field, FIXED32).little(Float.floatToRawIntBits(value), 4);
    }

    Message bytes(int field, byte[] value) {
      field(field, LENGTH).varint(value.length);
      out.writeBytes(value);
      return this;
    }

    Message message(int field, Message value) {
      return bytes(field, value.toBytes());
    }

    byte[] toBytes() {
      return out.toByteArray();
    }
  }
}
