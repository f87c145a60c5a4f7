package dev.yushan.io;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// The SHA-256 of each file of a directory, in the format of `sha256sum`.
public final class Checksums {
  /// The name of the file that holds the sums of its directory.
  public static final String FILE = "checksums.sha256";

  private Checksums() {}

  /// Writes the sums of all other files in `directory`.
  public static void write(Path directory) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (Path file : files(directory)) {
      lines.append(sum(file)).append("  ").append(file.getFileName()).append('\n');
    }
    DurableFiles.write(directory.resolve(FILE), lines.toString());
  }

  /// What is wrong with `directory`; nothing if all its files are as they were written.
  public static List<String> damage(Path directory) {
    List<String> damage = new ArrayList<>();
    try {
      for (String line : Files.readAllLines(directory.resolve(FILE))) {
        String[] parts = line.split("  ", 2);
        Path file = directory.resolve(parts[1]);
        if (!Files.isRegularFile(file)) {
          damage.add(parts[1] + " is missing");
        } else {
          difference(file, parts[0]).ifPresent(damage::add);
        }
      }
    } catch (IOException | ArrayIndexOutOfBoundsException e) {
      damage.add(FILE + " cannot be read: it was not written to its end");
    }
    return damage;
  }

  private static Optional<String> difference(Path file, String sum) {
    try {
      return sum(file).equals(sum)
          ? Optional.empty()
          : Optional.of(file.getFileName() + " is not as it was written");
    } catch (IOException e) {
      return Optional.of("%s cannot be read: %s".formatted(file.getFileName(), e));
    }
  }

  /// All files of `directory` but the sums themselves and hidden ones such as locks, by name.
  public static List<Path> files(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .filter(file -> Files.isRegularFile(file) && !file.endsWith(FILE))
          .filter(file -> !file.getFileName().toString().startsWith("."))
          .sorted()
          .toList();
    }
  }

  /// The SHA-256 of the bytes of `file`, in hexadecimal.
  public static String sum(Path file) throws IOException {
    try (InputStream in =
        new DigestInputStream(Files.newInputStream(file), MessageDigest.getInstance("SHA-256"))) {
      byte[] buffer = new byte[1 << 20];
      while (in.read(buffer) >= 0) {
        continue;
      }
      return HexFormat.of().formatHex(((DigestInputStream) in).getMessageDigest().digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
