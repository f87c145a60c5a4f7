package dev.yushan.io.hub;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;

/// A stream that is closed when nothing comes for too long; reading it then fails. (The timeout of
/// the HTTP client of the JDK ends with the first byte of the body.)
final class SilenceGuard extends FilterInputStream {
  private final Duration limit;
  private final Thread watch;
  private volatile long heard = System.nanoTime();
  private volatile boolean silent;

  SilenceGuard(InputStream in, Duration limit) {
    super(in);
    this.limit = limit;
    this.watch = Thread.ofVirtual().start(this::watch);
  }

  private void watch() {
    try {
      long left = limit.toNanos();
      while (left > 0) {
        Thread.sleep(Duration.ofNanos(left));
        left = limit.toNanos() - (System.nanoTime() - heard);
      }
      silent = true;
      in.close();
    } catch (InterruptedException | IOException e) {
      Thread.currentThread().interrupt(); // closed in time, or cannot be closed
    }
  }

  @Override
  public int read() throws IOException {
    throw new UnsupportedOperationException("read blocks");
  }

  @Override
  public int read(byte[] buffer, int offset, int length) throws IOException {
    IOException closed = null;
    try {
      int count = in.read(buffer, offset, length);
      if (!silent) {
        heard = System.nanoTime();
        return count;
      }
    } catch (IOException e) {
      if (!silent) {
        throw e;
      }
      closed = e;
    }
    throw new IOException("nothing came for %d s".formatted(limit.toSeconds()), closed);
  }

  @Override
  public void close() throws IOException {
    watch.interrupt();
    in.close();
  }
}
