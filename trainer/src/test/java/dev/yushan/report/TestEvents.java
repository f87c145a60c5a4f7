package dev.yushan.report;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.function.BiConsumer;

/// Reads event files of TensorBoard, bit by bit where the writer uses what the JDK has.
public final class TestEvents {
  /// What an event holds of what we write.
  public record Event(
      double wallTime,
      long step,
      String fileVersion,
      OptionalLong sessionStart,
      Map<String, Double> scalars,
      Map<String, String> texts) {}

  private TestEvents() {}

  /// The events of a file, up to the first that is cut short.
  public static List<Event> read(Path file) {
    try {
      ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
      List<Event> events = new ArrayList<>();
      while (in.remaining() >= 12) {
        byte[] length = new byte[8];
        in.get(in.position(), length);
        int size = Math.toIntExact(in.getLong());
        require(in.getInt(), length);
        if (in.remaining() < size + 4) {
          break;
        }
        byte[] data = new byte[size];
        in.get(data);
        require(in.getInt(), data);
        events.add(event(data));
      }
      return events;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The step from which a file replaces those before it.
  static OptionalLong sessionStart(List<Event> events) {
    return events.stream().flatMapToLong(event -> event.sessionStart().stream()).findFirst();
  }

  private static void require(int stored, byte[] bytes) {
    int crc = crc32c(bytes);
    int masked = Integer.rotateRight(crc, 15) + 0xa282ead8;
    if (stored != masked) {
      throw new IllegalStateException("checksum %08x, not %08x".formatted(stored, masked));
    }
  }

  /// Castagnoli's polynomial, reflected, a bit at a time.
  static int crc32c(byte[] bytes) {
    int crc = ~0;
    for (byte b : bytes) {
      crc ^= b & 0xFF;
      for (int bit = 0; bit < 8; bit++) {
        crc = (crc & 1) == 1 ? crc >>> 1 ^ 0x82f63b78 : crc >>> 1;
      }
    }
    return ~crc;
  }

  private static Event event(byte[] data) {
    double[] wallTime = new double[1];
    long[] step = new long[1];
    String[] version = {""};
    List<Long> session = new ArrayList<>();
    Map<String, Double> scalars = new TreeMap<>();
    Map<String, String> texts = new TreeMap<>();
    fields(
        data,
        (field, value) -> {
          switch (field) {
            case 1 -> wallTime[0] = value.getDouble(0);
            case 2 -> step[0] = value.getLong(0);
            case 3 -> version[0] = text(value);
            case 5 -> fields(value.array(), (f, summary) -> value(summary, scalars, texts));
            case 7 -> fields(value.array(), (f, status) -> session.add(status.getLong(0)));
            default -> throw new IllegalStateException("field " + field);
          }
        });
    boolean starts = session.equals(List.of(1L));
    return new Event(
        wallTime[0],
        step[0],
        version[0],
        starts ? OptionalLong.of(step[0]) : OptionalLong.empty(),
        scalars,
        texts);
  }

  private static void value(
      ByteBuffer summary, Map<String, Double> scalars, Map<String, String> texts) {
    String[] tag = {""};
    fields(
        summary.array(),
        (field, value) -> {
          switch (field) {
            case 1 -> tag[0] = text(value);
            case 2 -> scalars.put(tag[0], (double) value.getFloat(0));
            case 8 ->
                fields(
                    value.array(),
                    (f, tensor) -> {
                      if (f == 8) {
                        texts.put(tag[0], text(tensor));
                      }
                    });
            default -> {}
          }
        });
  }

  private static String text(ByteBuffer value) {
    return new String(value.array(), UTF_8);
  }

  /// Hands on each field with its bytes; a varint as 8 of them.
  private static void fields(byte[] message, BiConsumer<Integer, ByteBuffer> field) {
    int[] at = {0};
    while (at[0] < message.length) {
      long key = varint(message, at);
      byte[] value =
          switch ((int) key & 7) {
            case 0 -> {
              ByteBuffer eight = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
              yield eight.putLong(varint(message, at)).array();
            }
            case 1 -> bytes(message, at, 8);
            case 2 -> bytes(message, at, (int) varint(message, at));
            case 5 -> bytes(message, at, 4);
            default -> throw new IllegalStateException("wire type of " + key);
          };
      field.accept((int) (key >>> 3), ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN));
    }
  }

  private static byte[] bytes(byte[] message, int[] at, int length) {
    byte[] bytes = Arrays.copyOfRange(message, at[0], at[0] + length);
    at[0] += length;
    return bytes;
  }

  private static long varint(byte[] message, int[] at) {
    long value = 0;
    int shift = 0;
    byte b;
    do {
      b = message[at[0]++];
      value |= (long) (b & 0x7F) << shift;
      shift += 7;
    } while (b < 0);
    return value;
  }
}
