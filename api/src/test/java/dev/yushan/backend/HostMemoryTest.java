package dev.yushan.backend;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostMemoryTest {
  @TempDir Path root;

  private void file(String name, String text) throws IOException {
    Path file = root.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private void meminfo() throws IOException {
    file("proc/meminfo", "MemTotal:  8000 kB\nMemFree:  10 kB\nMemAvailable:   4000 kB\n");
  }

  @Test
  void theMachineAloneSaysWhatItHas() throws IOException {
    meminfo();
    file("proc/self/cgroup", "0::/a/b\n");
    file("sys/fs/cgroup/a/memory.max", "max\n");
    assertThat(HostMemory.read(root).available()).isEqualTo(4000 * 1024);
  }

  @Test
  void theTightestGroupCounts() throws IOException {
    meminfo();
    file("proc/self/cgroup", "0::/a/b\n");
    file("sys/fs/cgroup/a/b/memory.max", "3000000\n");
    file("sys/fs/cgroup/a/b/memory.current", "500000\n");
    file("sys/fs/cgroup/a/memory.max", "2000000\n");
    file("sys/fs/cgroup/a/memory.current", "600000\n");
    file("sys/fs/cgroup/a/memory.stat", "anon 1\ninactive_file 100000\nactive_file 7\n");
    HostMemory memory = HostMemory.read(root);
    assertThat(memory.figures()).hasSize(3);
    assertThat(memory.available()).isEqualTo(1_500_000);
  }

  @Test
  void versionOneOfControlGroupsIsRead() throws IOException {
    meminfo();
    file("proc/self/cgroup", "5:cpu,memory:/x\n2:pids:/x\n");
    file("sys/fs/cgroup/memory/x/memory.limit_in_bytes", "9223372036854771712\n");
    file("sys/fs/cgroup/memory/x/memory.usage_in_bytes", "1000\n");
    file("sys/fs/cgroup/memory/memory.limit_in_bytes", "3000\n");
    file("sys/fs/cgroup/memory/memory.usage_in_bytes", "1000\n");
    file("sys/fs/cgroup/memory/memory.stat", "total_inactive_file 500\n");
    assertThat(HostMemory.read(root).available()).isEqualTo(2500);
  }

  @Test
  void aSystemWithoutProcSaysNothing() {
    assertThat(HostMemory.read(root)).isEqualTo(new HostMemory(java.util.List.of()));
    assertThat(HostMemory.read(root).available()).isEqualTo(Long.MAX_VALUE);
  }
}
