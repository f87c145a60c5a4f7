package dev.yushan.io;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.process.ChildJvm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectoryLockTest {
  private static final int FREE = 10;
  private static final int TAKEN = 11;

  @TempDir private Path directory;

  /// Tries for the directory in its argument; the exit status tells how it went.
  static final class Child {
    private Child() {}

    public static void main(String[] args) throws IOException {
      System.exit(DirectoryLock.tryLock(Path.of(args[0]), ".lock").isPresent() ? FREE : TAKEN);
    }
  }

  private int tryInAnotherProcess() throws IOException, InterruptedException {
    return ChildJvm.PLAIN.running(Child.class, directory).inheritIO().start().waitFor();
  }

  @Test
  void aSecondAttemptInThisProcessLeavesTheLockAgainstOthers()
      throws IOException, InterruptedException {
    DirectoryLock lock = DirectoryLock.tryLock(directory, ".lock").orElseThrow();
    assertThat(DirectoryLock.tryLock(directory, ".lock")).isEmpty();
    assertThat(tryInAnotherProcess()).isEqualTo(TAKEN);
    lock.close();
    assertThat(tryInAnotherProcess()).isEqualTo(FREE);
  }

  @Test
  void aLinkLeadsToTheSameLock() throws IOException {
    Path real = Files.createDirectory(directory.resolve("real"));
    Path link = Files.createSymbolicLink(directory.resolve("link"), real);
    DirectoryLock lock = DirectoryLock.tryLock(real, ".lock").orElseThrow();
    assertThat(DirectoryLock.tryLock(link, ".lock")).isEmpty();
    lock.close();
    DirectoryLock.tryLock(link, ".lock").orElseThrow().close();
  }
}
