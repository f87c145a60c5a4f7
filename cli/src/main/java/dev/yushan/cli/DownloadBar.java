package dev.yushan.cli;

import dev.yushan.io.hub.HubProgress;
import dev.yushan.io.hub.HubRepo;
import java.io.PrintStream;
import java.time.Duration;

/// A line on the terminal that shows how far a download is.
final class DownloadBar implements HubProgress {
  private static final String CLEAR = "\r\033[K";
  private static final int WIDTH = 24;
  private static final long REDRAW_NANOS = 100_000_000;

  private final PrintStream terminal;
  private String what = "";
  private int files;
  private int arrived;
  private long all;
  private long come;
  private long begin;
  private long drawn;

  DownloadBar(PrintStream terminal) {
    this.terminal = terminal;
  }

  @Override
  public void started(HubRepo repo, int count, long bytes) {
    what = repo.id();
    files = count;
    arrived = 0;
    all = bytes;
    come = 0;
    begin = System.nanoTime();
    draw(begin);
  }

  @Override
  public void advanced(long bytes) {
    come += bytes;
    long now = System.nanoTime();
    if (now - drawn >= REDRAW_NANOS) {
      draw(now);
    }
  }

  @Override
  public void arrived(String path) {
    arrived++;
  }

  @Override
  public void ended() {
    draw(System.nanoTime());
    terminal.println();
  }

  private void draw(long now) {
    drawn = now;
    double share = all == 0 ? 1 : Math.clamp((double) come / all, 0, 1);
    int full = (int) (share * WIDTH);
    double rate = come / Math.max(1e-3, (now - begin) * 1e-9);
    String left =
        come > 0 && come < all ? ", " + clock((long) ((all - come) / Math.max(1, rate))) : "";
    terminal.printf(
        "%s%s %s%s %3.0f %% %s of %s, %d of %d file(s), %s/s%s",
        CLEAR,
        what,
        "█".repeat(full),
        "░".repeat(WIDTH - full),
        100 * share,
        HubProgress.size(come),
        HubProgress.size(all),
        arrived,
        files,
        HubProgress.size((long) rate),
        left);
    terminal.flush();
  }

  private static String clock(long seconds) {
    Duration time = Duration.ofSeconds(seconds);
    return "%d:%02d:%02d left"
        .formatted(time.toHours(), time.toMinutesPart(), time.toSecondsPart());
  }
}
