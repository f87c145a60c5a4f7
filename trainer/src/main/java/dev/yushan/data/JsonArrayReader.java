package dev.yushan.data;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.util.Optional;

/// A JSON array of objects, read one element after the other. After broken JSON or invalid UTF-8
/// there is no knowing where the next record begins: both are errors whatever `on_bad_record` says.
final class JsonArrayReader implements RecordReader {
  private static final ObjectReader ELEMENTS =
      JsonRecords.MAPPER.reader().without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private final SourceFile file;
  private final JsonParser parser;
  private long record;
  private long characters;

  JsonArrayReader(SourceFile file, InputStream in) throws IOException {
    this.file = file;
    InputStreamReader reader = new InputStreamReader(in, Utf8.strict());
    parser = JsonRecords.MAPPER.getFactory().createParser(new ByteOrderMarkSkipper(reader));
  }

  @Override
  public Optional<RawRecord> next() {
    try {
      if (record == 0) {
        parser.nextToken();
      }
      JsonToken token = parser.nextToken();
      if (token == JsonToken.END_ARRAY) {
        if (parser.nextToken() != null) {
          throw damaged("something follows the array", null);
        }
        return Optional.empty();
      }
      if (token == null) {
        throw damaged("the file ends inside the array", null);
      }
      record++;
      JsonNode node = ELEMENTS.readTree(parser);
      long before = characters;
      characters = parser.currentLocation().getCharOffset();
      RecordContent content = JsonRecords.content(node, file.columns());
      return Optional.of(new RawRecord(record, characters - before, () -> content));
    } catch (CharacterCodingException e) {
      throw damaged("invalid UTF-8", e);
    } catch (JsonProcessingException e) {
      int line = e.getLocation() == null ? 0 : e.getLocation().getLineNr();
      throw damaged("broken JSON in line " + line + ": " + JsonRecords.reason(e), e);
    } catch (IOException e) {
      throw damaged(e.toString(), e);
    }
  }

  private DataException damaged(String why, IOException cause) {
    return new DataException(
        file.path()
            + " cannot be read after record "
            + record
            + ": "
            + why
            + "; repair the file, or write it as .jsonl, where one bad record can be skipped",
        cause);
  }

  @Override
  public void close() {
    try {
      parser.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Passes characters on, without a byte order mark in front.
  private static final class ByteOrderMarkSkipper extends java.io.FilterReader {
    private boolean begun;

    ByteOrderMarkSkipper(InputStreamReader in) {
      super(in);
    }

    @Override
    public int read(char[] buffer, int offset, int length) throws IOException {
      if (!begun) {
        begun = true;
        int first = in.read();
        if (first >= 0 && first != '\uFEFF') {
          buffer[offset] = (char) first;
          return 1;
        }
      }
      return in.read(buffer, offset, length);
    }
  }
}
