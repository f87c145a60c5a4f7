package dev.yushan.http;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicIntegerArray;

/// The API keys: who may come in, and how many requests of each are under way. Keeps digests, which
/// have one length, so that comparing them takes the same time for every key.
final class Keys {
  private final List<byte[]> digests;
  private final int requestsPerKey;
  private final AtomicIntegerArray running;

  /// @param requestsPerKey at a time; without keys, of all clients together
  Keys(List<String> keys, int requestsPerKey) {
    this.digests = keys.stream().map(Keys::digest).toList();
    this.requestsPerKey = requestsPerKey;
    this.running = new AtomicIntegerArray(Math.max(1, keys.size()));
  }

  /// The number of the key in an `Authorization` header, 0 if there are no keys at all; none for a
  /// stranger.
  OptionalInt find(String authorization) {
    if (digests.isEmpty()) {
      return OptionalInt.of(0);
    }
    boolean bearer = authorization.regionMatches(true, 0, "Bearer ", 0, 7);
    byte[] given = digest(bearer ? authorization.substring(7).strip() : "");
    int found = -1;
    for (int i = 0; i < digests.size(); i++) {
      found = MessageDigest.isEqual(digests.get(i), given) ? i : found;
    }
    return found >= 0 && bearer ? OptionalInt.of(found) : OptionalInt.empty();
  }

  /// Takes one of the places of a key; false if all are taken.
  boolean enter(int key) {
    if (running.incrementAndGet(key) > requestsPerKey) {
      running.decrementAndGet(key);
      return false;
    }
    return true;
  }

  void leave(int key) {
    running.decrementAndGet(key);
  }

  private static byte[] digest(String key) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
