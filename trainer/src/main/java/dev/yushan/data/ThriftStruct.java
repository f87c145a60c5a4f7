package dev.yushan.data;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/// A struct in Thrift's compact protocol, of the types that the footer of Parquet needs. Fields are
/// added in the order of their ids.
///
/// Source: `thrift-compact-protocol.md` of Apache Thrift.
final class ThriftStruct {
  private static final int I16 = 4;
  private static final int I32 = 5;
  private static final int I64 = 6;
  private static final int BINARY = 8;
  private static final int LIST = 9;
  private static final int STRUCT = 12;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private int last;

  ThriftStruct i16(int field, short value) {
    return integer(field, I16, value);
  }

  ThriftStruct i32(int field, int value) {
    return integer(field, I32, value);
  }

  ThriftStruct i64(int field, long value) {
    return integer(field, I64, value);
  }

  ThriftStruct string(int field, String value) {
    header(field, BINARY);
    put(value);
    return this;
  }

  ThriftStruct struct(int field, ThriftStruct value) {
    header(field, STRUCT);
    out.writeBytes(value.bytes());
    return this;
  }

  ThriftStruct i32s(int field, List<Integer> values) {
    list(field, I32, values.size());
    values.forEach(value -> varint(zigzag(value)));
    return this;
  }

  ThriftStruct strings(int field, List<String> values) {
    list(field, BINARY, values.size());
    values.forEach(this::put);
    return this;
  }

  ThriftStruct structs(int field, List<ThriftStruct> values) {
    list(field, STRUCT, values.size());
    values.forEach(value -> out.writeBytes(value.bytes()));
    return this;
  }

  /// The fields so far and the end of the struct.
  byte[] bytes() {
    byte[] fields = out.toByteArray();
    return java.util.Arrays.copyOf(fields, fields.length + 1);
  }

  private ThriftStruct integer(int field, int type, long value) {
    header(field, type);
    varint(zigzag(value));
    return this;
  }

  private void list(int field, int type, int size) {
    header(field, LIST);
    if (size < 15) {
      out.write(size << 4 | type);
    } else {
      out.write(0xF0 | type);
      varint(size);
    }
  }

  /// The short form: ids of Parquet's structs are never 16 or more apart.
  private void header(int field, int type) {
    out.write(field - last << 4 | type);
    last = field;
  }

  private void put(String value) {
    byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
    varint(utf8.length);
    out.writeBytes(utf8);
  }

  private static long zigzag(long value) {
    return value << 1 ^ value >> 63;
  }

  private void varint(long value) {
    long rest = value;
    while ((rest & ~0x7FL) != 0) {
      out.write((int) (rest & 0x7F | 0x80));
      rest >>>= 7;
    }
    out.write((int) rest);
  }
}
