package dev.yushan.io.hub;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Hears how a download goes. Called from several threads, but by one at a time.
public interface HubProgress {
  /// A download begins.
  ///
  /// @param what is downloaded
  /// @param files how many there are
  /// @param bytes that are still to come
  default void started(HubRepo what, int files, long bytes) {}

  /// So many bytes have come; less than 0 if some were given up again.
  default void advanced(long bytes) {}

  /// A file is whole and in its place.
  default void arrived(String path) {}

  /// The download is over, whether all came or not.
  default void ended() {}

  /// Says nothing.
  static HubProgress silent() {
    return new HubProgress() {};
  }

  /// A line in the log at the beginning, at the end, and now and then.
  static HubProgress logged() {
    return new Logged();
  }

  /// Lines in the log.
  final class Logged implements HubProgress {
    private static final Logger LOG = LoggerFactory.getLogger(HubProgress.class);
    private static final long LINE_NANOS = 10_000_000_000L;

    private HubRepo what;
    private long all;
    private long come;
    private long begin;
    private long said;

    private Logged() {}

    @Override
    public void started(HubRepo repo, int files, long bytes) {
      what = repo;
      all = bytes;
      come = 0;
      begin = System.nanoTime();
      said = begin;
      LOG.info("{}: downloading {} file(s), {}", repo, files, size(bytes));
    }

    @Override
    public void advanced(long bytes) {
      come += bytes;
      long now = System.nanoTime();
      if (now - said >= LINE_NANOS) {
        said = now;
        LOG.info("{}: {} of {}, {}/s", what, size(come), size(all), size(rate(now)));
      }
    }

    @Override
    public void ended() {
      if (come >= all) {
        LOG.info("{}: {} downloaded, {}/s", what, size(come), size(rate(System.nanoTime())));
      }
    }

    private long rate(long now) {
      return (long) (come / Math.max(1e-9, (now - begin) * 1e-9));
    }
  }

  /// A number of bytes as people read it: `1.2 GB` is 1.2 × 10⁹ bytes.
  static String size(long bytes) {
    String[] units = {"B", "kB", "MB", "GB", "TB"};
    double value = bytes;
    int unit = 0;
    while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
      value /= 1000;
      unit++;
    }
    return unit == 0
        ? bytes + " B"
        : String.format(
            java.util.Locale.ROOT, value < 10 ? "%.1f %s" : "%.0f %s", value, units[unit]);
  }
}
