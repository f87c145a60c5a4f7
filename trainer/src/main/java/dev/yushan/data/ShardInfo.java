package dev.yushan.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.List;

/// What a shard says of itself.
///
/// @param key of the unit it belongs to
/// @param index its number there, from 0
/// @param counts what was read to make it
/// @param bad the first bad or empty records
record ShardInfo(String key, int index, ReadCounts counts, List<BadRecord> bad) {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  static ShardInfo parse(byte[] json) throws IOException {
    return MAPPER.readValue(json, ShardInfo.class);
  }

  byte[] toJson() {
    try {
      return MAPPER.writeValueAsBytes(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
