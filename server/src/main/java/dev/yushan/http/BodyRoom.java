package dev.yushan.http;

import java.util.concurrent.atomic.AtomicLong;

/// The memory that bodies may take, of all requests together, while they are read and parsed. Half
/// of it is for the beginnings of bodies, so that large ones never leave small ones without.
final class BodyRoom {
  private static final long BEGINNING = 1 << 16;

  private final AtomicLong beginnings;
  private final AtomicLong rest;

  BodyRoom(long bytes) {
    this.beginnings = new AtomicLong(bytes / 2);
    this.rest = new AtomicLong(bytes - bytes / 2);
  }

  /// Takes the room for a body to grow; false, and nothing taken, if there is none.
  boolean grow(long from, long to) {
    long small = Math.min(to, BEGINNING) - Math.min(from, BEGINNING);
    if (!take(beginnings, small)) {
      return false;
    }
    if (!take(rest, to - from - small)) {
      beginnings.addAndGet(small);
      return false;
    }
    return true;
  }

  /// Gives back that of a body.
  void free(long size) {
    long small = Math.min(size, BEGINNING);
    beginnings.addAndGet(small);
    rest.addAndGet(size - small);
  }

  private static boolean take(AtomicLong free, long bytes) {
    if (free.addAndGet(-bytes) < 0) {
      free.addAndGet(bytes);
      return false;
    }
    return true;
  }
}
