package dev.yushan.data.dedup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.yushan.data.DataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Signatures of texts, and their files.
class SignaturesTest {
  private static final DedupConfig CONFIG = DedupConfig.DEFAULTS;

  @TempDir Path directory;

  /// Files of earlier versions stay readable, and mean the same.
  @Test
  void aSignatureIsTheSameForever() {
    Signature signature = new Signer(CONFIG).sign("玉山（3,952 公尺）是臺灣的最高峰。");
    assertThat(signature.shingles()).isEqualTo(11);
    assertThat(Long.toHexString(signature.hashHigh())).isEqualTo("86e65af0508ed3ed");
    assertThat(Long.toHexString(Arrays.hashCode(signature.bandKeys())))
        .isEqualTo("ffffffffa67c15fa");
  }

  /// N-grams are of code points: 𠀀 is two chars and one character.
  @Test
  void shinglesAreTheSetOfNgrams() {
    Signer signer = new Signer(CONFIG);
    assertThat(signer.shingles("𠀀𠀁𠀂𠀃𠀄")).hasSize(1);
    assertThat(signer.shingles("一二三四五一二三四五一二三四五")).hasSize(5);
    assertThat(signer.shingles("一二三四")).hasSize(1).isNotEqualTo(signer.shingles("一二三"));
    assertThat(signer.shingles("")).hasSize(1);
    assertThat(signer.shingles("Ａbc　de, F")).isEqualTo(signer.shingles("aBCdef"));
    assertThat(Shingles.jaccard(new long[] {1, 2, 3}, new long[] {2, 3, 4, 5})).isEqualTo(0.4);
  }

  @Test
  void aFileHoldsWhatWasWritten() throws IOException {
    Random random = new Random(4);
    Signer signer = new Signer(CONFIG);
    Signatures written = new Signatures(CONFIG);
    for (int d = 0; d < 5000; d++) {
      written.add(signer.sign(Planted.han(random, random.nextInt(40))));
    }
    Path file = directory.resolve("signatures");
    written.write(file);
    Signatures read = new Signatures(CONFIG);
    read.addAll(file);
    read.addAll(file);
    assertThat(read.size()).isEqualTo(10_000);
    Path again = directory.resolve("again");
    Signatures copy = new Signatures(CONFIG);
    copy.addAll(file);
    copy.write(again);
    assertThat(Files.mismatch(file, again)).isEqualTo(-1);
    for (int d = 0; d < 5000; d++) {
      assertThat(read.bandKey(d + 5000, 13)).isEqualTo(written.bandKey(d, 13));
      assertThat(read.shingles(d + 5000)).isEqualTo(written.shingles(d));
      assertThat(read.hashLow(d)).isEqualTo(written.hashLow(d));
    }
  }

  @Test
  void damagedCutAndForeignFilesAreRefused() throws IOException {
    Signatures written = new Signatures(CONFIG);
    written.add(new Signer(CONFIG).sign("玉山"));
    Path file = directory.resolve("signatures");
    written.write(file);
    byte[] bytes = Files.readAllBytes(file);
    for (int at = 0; at < bytes.length; at++) {
      byte[] damaged = bytes.clone();
      damaged[at] ^= 4;
      assertRefused(damaged);
      assertRefused(Arrays.copyOf(bytes, at));
    }
    Signatures other =
        new Signatures(new DedupConfig(true, true, Normalization.DEFAULTS, 6, 14, 8, 0.8, 32));
    assertThatThrownBy(() -> other.addAll(file))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("other settings; delete it");
    assertThatThrownBy(() -> other.addAll(directory.resolve("none")))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("none cannot be read");
  }

  private void assertRefused(byte[] bytes) throws IOException {
    Path file = Files.write(directory.resolve("damaged"), bytes);
    Signatures signatures = new Signatures(CONFIG);
    assertThatThrownBy(() -> signatures.addAll(file))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("; delete it, so that it is made again");
    assertThat(signatures.size()).isZero();
  }
}
