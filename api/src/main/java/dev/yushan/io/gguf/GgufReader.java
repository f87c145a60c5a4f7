package dev.yushan.io.gguf;

import dev.yushan.io.FileFormatException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Reads the head of a GGUF file from front to back. Reading past the end is an error of the file.
final class GgufReader {
  private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
  private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE);
  private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE);
  private static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE);

  private final Path path;
  private final MemorySegment all;
  private long at;

  GgufReader(Path path, MemorySegment all) {
    this.path = path;
    this.all = all;
  }

  /// Where the next `bytes` bytes are.
  private long take(long bytes) {
    if (bytes < 0 || bytes > all.byteSize() - at) {
      throw new FileFormatException(
          path,
          "ends within its head, at byte %d; it is cut off: get it again"
              .formatted(all.byteSize()));
    }
    long here = at;
    at += bytes;
    return here;
  }

  int i32() {
    return all.get(I32, take(4));
  }

  long i64() {
    return all.get(I64, take(8));
  }

  /// A count of things of at least `least` bytes each: no more than the file can hold.
  long count(String what, int least) {
    long count = i64();
    if (count < 0 || count > all.byteSize() / least) {
      throw new FileFormatException(
          path,
          "has %s %s by its head, more than its %d bytes hold; it is damaged or cut off: get it again"
              .formatted(Long.toUnsignedString(count), what, all.byteSize()));
    }
    return count;
  }

  String string() {
    long length = i64();
    long from = take(length);
    return new String(
        all.asSlice(from, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
  }

  /// A metadata value, by the number of its type.
  Object value(int type) {
    return switch (type) {
      case 0 -> (long) (all.get(ValueLayout.JAVA_BYTE, take(1)) & 0xFF);
      case 1 -> (long) all.get(ValueLayout.JAVA_BYTE, take(1));
      case 2 -> (long) (all.get(I16, take(2)) & 0xFFFF);
      case 3 -> (long) all.get(I16, take(2));
      case 4 -> i32() & 0xFFFFFFFFL;
      case 5 -> (long) i32();
      // the number that the decimal text of the float names
      case 6 -> Double.valueOf(Float.toString(Float.intBitsToFloat(i32())));
      case 7 -> all.get(ValueLayout.JAVA_BYTE, take(1)) != 0;
      case 8 -> string();
      case 9 -> list();
      case 10, 11 -> i64();
      case 12 -> Double.longBitsToDouble(i64());
      default ->
          throw new FileFormatException(
              path, "has a metadata value of the unknown type %d".formatted(type));
    };
  }

  private List<Object> list() {
    int type = i32();
    if (type == 9) {
      throw new FileFormatException(path, "has a list of lists in its metadata");
    }
    long count = count("elements in a list", 1);
    List<Object> list = new ArrayList<>((int) Math.min(count, 1 << 20));
    for (long i = 0; i < count; i++) {
      list.add(value(type));
    }
    return list;
  }

  /// What follows the head, from the next multiple of `alignment` on.
  MemorySegment rest(long alignment) {
    long start = Math.min(all.byteSize(), (at + alignment - 1) / alignment * alignment);
    return all.asSlice(start);
  }
}
