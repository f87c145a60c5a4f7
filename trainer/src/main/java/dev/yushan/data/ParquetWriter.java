package dev.yushan.data;

import com.github.luben.zstd.Zstd;
import dev.yushan.io.DurableFiles;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;

/// Writes a Parquet file of required columns: plain encoding, zstd, data pages of version 1 with
/// checksums. The same rows give the same bytes. In memory are the compressed pages of one row
/// group and one open page a column.
///
/// Our own because hardwood, which reads, does not write, and parquet-java brings Hadoop. Source of
/// the format: apache/parquet-format 2.11.
public final class ParquetWriter {
  /// Text in a row group, before compression.
  static final long ROW_GROUP_BYTES = 64 << 20;

  private static final int PAGE_BYTES = 1 << 20;
  private static final int LONGEST_VALUE_BYTES = 1 << 30;
  private static final int ZSTD_LEVEL = 3;

  /// In the form that readers look for; the version is that of this writer: raise it when the same
  /// rows give other bytes than before.
  private static final String CREATED_BY = "yushan version 1";

  private static final byte[] MAGIC = "PAR1".getBytes(StandardCharsets.US_ASCII);

  /// Gives the rows, one after the other, to [#add].
  @FunctionalInterface
  public interface Rows {
    void writeTo(ParquetWriter file) throws IOException;
  }

  private final FileChannel channel;
  private final List<Pages> columns;
  private final long rowGroupBytes;
  private final List<ParquetFooter.RowGroup> groups = new ArrayList<>();
  private long rows;
  private long bytes;

  private ParquetWriter(FileChannel channel, List<ParquetColumn> columns, long rowGroupBytes) {
    this.channel = channel;
    this.columns = columns.stream().map(Pages::new).toList();
    this.rowGroupBytes = rowGroupBytes;
  }

  /// Writes or replaces `target`: whole or not at all.
  ///
  /// @param columns at least one
  /// @param metadata keys and values for whoever reads the file; may be empty
  public static void write(
      Path target, List<ParquetColumn> columns, Map<String, String> metadata, Rows rows) {
    write(target, columns, metadata, ROW_GROUP_BYTES, rows);
  }

  /// As above, a row group ending with the row that makes it `rowGroupBytes` or more.
  static void write(
      Path target,
      List<ParquetColumn> columns,
      Map<String, String> metadata,
      long rowGroupBytes,
      Rows rows) {
    DurableFiles.write(
        target,
        channel -> {
          ParquetWriter writer = new ParquetWriter(channel, columns, rowGroupBytes);
          writer.put(MAGIC);
          rows.writeTo(writer);
          writer.endRowGroup();
          writer.putFooter(ParquetFooter.bytes(columns, writer.groups, metadata, CREATED_BY));
        });
  }

  /// Adds a row.
  ///
  /// @param values a `String`, `Integer` or `Long` for each column, as its type is
  /// @throws DataException if a text is no Unicode or too long for a page
  public void add(Object... values) throws IOException {
    if (values.length != columns.size()) {
      throw new IllegalArgumentException(
          "a row of %d values for %d columns".formatted(values.length, columns.size()));
    }
    for (int i = 0; i < values.length; i++) {
      bytes += columns.get(i).add(values[i]);
    }
    rows++;
    if (bytes >= rowGroupBytes) {
      endRowGroup();
    }
  }

  private void endRowGroup() throws IOException {
    if (rows == 0) {
      return;
    }
    List<ParquetFooter.Chunk> chunks = new ArrayList<>();
    for (Pages pages : columns) {
      pages.endPage();
      long offset = channel.position();
      long stored = 0;
      for (byte[] part : pages.stored) {
        put(part);
        stored += part.length;
      }
      chunks.add(new ParquetFooter.Chunk(pages.column, offset, pages.plainBytes, stored));
      pages.clear();
    }
    groups.add(new ParquetFooter.RowGroup(rows, chunks));
    rows = 0;
    bytes = 0;
  }

  private void putFooter(byte[] footer) throws IOException {
    put(footer);
    put(
        ByteBuffer.allocate(4 + MAGIC.length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putInt(footer.length)
            .put(MAGIC)
            .array());
  }

  private void put(byte[] content) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(content);
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  /// The pages of a column of a row group: the finished ones compressed, the open one plain.
  private static final class Pages {
    private final ParquetColumn column;
    private final List<byte[]> stored = new ArrayList<>();
    private final ByteArrayOutputStream open = new ByteArrayOutputStream();
    private int openValues;
    private long plainBytes;

    Pages(ParquetColumn column) {
      this.column = column;
    }

    /// The bytes that the value takes.
    int add(Object value) {
      int before = open.size();
      switch (column.type()) {
        case STRING -> addString((String) value);
        case INT32 -> addNumber((Integer) value, Integer.BYTES);
        case INT64 -> addNumber((Long) value, Long.BYTES);
      }
      openValues++;
      int added = open.size() - before;
      if (open.size() >= PAGE_BYTES) {
        endPage();
      }
      return added;
    }

    private void addString(String text) {
      Utf8.halfPair(text)
          .ifPresent(
              at -> {
                throw new DataException(
                    "column %s: the text has half a surrogate pair at character %d, which is no UTF-8; remove it"
                        .formatted(column.name(), at + 1));
              });
      byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
      if (utf8.length > LONGEST_VALUE_BYTES) {
        throw new DataException(
            "column %s: a text of %d bytes is more than 1 GiB, the most that is written to Parquet; split it"
                .formatted(column.name(), utf8.length));
      }
      addNumber(utf8.length, Integer.BYTES);
      open.writeBytes(utf8);
    }

    private void addNumber(long value, int bytes) {
      for (int i = 0; i < bytes; i++) {
        open.write((int) (value >>> 8 * i));
      }
    }

    private void endPage() {
      if (openValues == 0) {
        return;
      }
      byte[] plain = open.toByteArray();
      byte[] page = Zstd.compress(plain, ZSTD_LEVEL);
      CRC32 crc = new CRC32();
      crc.update(page);
      byte[] header =
          ParquetFooter.pageHeader(openValues, plain.length, page.length, (int) crc.getValue());
      stored.add(header);
      stored.add(page);
      plainBytes += header.length + plain.length;
      open.reset();
      openValues = 0;
    }

    private void clear() {
      stored.clear();
      plainBytes = 0;
    }
  }
}
