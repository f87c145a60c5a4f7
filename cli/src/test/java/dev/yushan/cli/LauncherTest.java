package dev.yushan.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The launcher script in processes of its own: with stand-ins for `java` and `mvn` that tell how
/// they were called, and once with the real JDK and the real classes.
class LauncherTest {
  private static final Path SCRIPT = Path.of("../yushan").toAbsolutePath().normalize();

  private static final String JAVA =
      """
      #!/bin/sh
      echo "pid $$"
      echo "locale ${LC_ALL:-}"
      echo "malloc ${MALLOC_MMAP_THRESHOLD_:-} ${GLIBC_TUNABLES:-}"
      for argument; do echo "<$argument>"; done
      exit "${FAKE_EXIT:-0}"
      """;

  private static final String MAVEN =
      """
      #!/bin/sh
      echo "$JAVA_HOME $*" >>calls
      sleep 0.2
      [ ! -e broken ] || { echo "[ERROR] Some.java: does not compile"; exit 1; }
      mkdir -p cli/target/packed/yushan-7/lib
      echo jar >cli/target/packed/yushan-7/lib/some.jar
      tar -czf cli/target/yushan-7.tar.gz -C cli/target/packed yushan-7
      """;

  private record Result(int exit, String out, String err) {}

  @TempDir private Path temporary;
  private Path work;
  private final Map<String, String> environment = new TreeMap<>();

  @BeforeEach
  void prepare() throws IOException {
    work = Files.createDirectories(temporary.toRealPath().resolve("with blanks 與中文"));
    environment.put("PATH", work.resolve("path") + ":/usr/bin:/bin");
    environment.put("HOME", work.toString());
    environment.put("YUSHAN_JAVA_HOME", jdk("25.0.3").toString());
  }

  @Test
  void runsTheRealThingThroughASymbolicLinkFromAnotherDirectory() throws Exception {
    Path real = realLauncher();
    Path link = Files.createSymbolicLink(work.resolve("link"), real);

    Result version = run(link, "--version");
    assertThat(version.err()).doesNotContain("yushan:");
    assertThat(version.out()).startsWith("yushan 0.").contains("-bit vectors");
    assertThat(version.exit()).isZero();

    Result wrong = run(link, "--gibt-es-nicht-山");
    assertThat(wrong.err()).contains("Unknown option: '--gibt-es-nicht-山'");
    assertThat(wrong.exit()).isEqualTo(2);

    // as in a container whose limit is one processor
    environment.put("YUSHAN_JAVA_OPTS", "-XX:ActiveProcessorCount=1");
    assertThat(run(link, "backends").out()).contains("1 thread, ");
  }

  @Test
  void takesNoMoreThreadsThanProcessorsItIsBoundTo() throws Exception {
    Path taskset = Path.of("/usr/bin/taskset");
    assumeTrue(Files.exists(taskset), "needs taskset of util-linux");
    Result bound = run(taskset, "-c", allowedProcessor(), realLauncher().toString(), "backends");
    assertThat(bound.out()).as(bound.err()).contains("1 thread, ");
  }

  /// With the real JDK and the real classes.
  private Path realLauncher() throws IOException {
    Path lib = distribution().resolve("lib");
    int number = 0;
    for (String entry : System.getProperty("java.class.path").split(":")) {
      Path to = lib.resolve(number++ + ".jar");
      if (Files.isDirectory(Path.of(entry))) {
        jar(Path.of(entry), to);
      } else if (Files.exists(Path.of(entry))) {
        Files.copy(Path.of(entry), to);
      }
    }
    environment.put("YUSHAN_JAVA_HOME", System.getProperty("java.home"));
    return lib.resolveSibling("bin/yushan");
  }

  /// The first of those that this process may use.
  private static String allowedProcessor() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("Cpus_allowed_list:"))
        .map(line -> line.replaceAll("\\D*(\\d+).*", "$1"))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void passesArgumentsUnchanged() throws Exception {
    Result result = run(launcher(), "infer", "--prompt", "台灣 是 *", "", "$HOME \"x\" \\");
    assertThat(result.out())
        .endsWith("<dev.yushan.cli.Yushan>\n<infer>\n<--prompt>\n<台灣 是 *>\n<>\n<$HOME \"x\" \\>\n");
  }

  @Test
  void putsPluginsAfterTheLibrariesAndOptionsOfTheUserLast() throws Exception {
    environment.put("YUSHAN_JAVA_OPTS", "-Xmx7g -Da=*");
    List<String> lines = run(launcher()).out().lines().toList();
    Path home = work.resolve("dist");
    assertThat(lines).contains("<" + home + "/lib/*:" + home + "/plugins/*>", "<-Da=*>");
    assertThat(lines)
        .containsSubsequence("<--add-modules>", "<jdk.incubator.vector>", "<-Xmx7g>", "<-cp>");
    assertThat(lines).anySatisfy(line -> assertThat(heap(line)).isGreaterThanOrEqualTo(512));
  }

  @Test
  void tensorsComeFromTheSystemInHugePagesUnlessTheUserSaysOtherwise() throws Exception {
    assertThat(run(launcher()).out()).contains("malloc 131072 glibc.malloc.hugetlb=1\n");
    environment.put("MALLOC_MMAP_THRESHOLD_", "65536");
    environment.put("GLIBC_TUNABLES", "glibc.malloc.hugetlb=0");
    assertThat(run(launcher()).out()).contains("malloc 65536 glibc.malloc.hugetlb=0\n");
  }

  @Test
  void onlyAPreparationIsSlowToOptimize() throws Exception {
    String optimizer = "<-XX:Tier4InvocationThreshold=15000>";
    assertThat(run(launcher(), "prepare", "--config", "a.yaml").out())
        .contains(optimizer, "<dev.yushan.cli.Yushan>\n<prepare>\n<--config>\n<a.yaml>");
    assertThat(run(launcher(), "train", "prepare").out()).doesNotContain("Tier4");
    assertThat(run(launcher()).out()).doesNotContain("Tier4");
  }

  @Test
  void aPreparationCollectsGarbageEarlyUnlessTheUserSetsTheHeap() throws Exception {
    String share = "<-XX:InitiatingHeapOccupancyPercent=";
    List<String> lines = run(launcher(), "prepare").out().lines().toList();
    int heap = lines.stream().mapToInt(LauncherTest::heap).max().orElseThrow();
    assertThat(lines.stream().filter(line -> line.startsWith(share)).toList())
        .isEqualTo(heap > 1700 ? List.of(share + (76_800 / heap + 1) + ">") : List.of());
    environment.put("YUSHAN_JAVA_OPTS", "-Xmx1g");
    assertThat(run(launcher(), "prepare").out()).contains("Tier4").doesNotContain(share);
  }

  @ParameterizedTest
  @ValueSource(strings = {"TORNADOVM_HOME", "SDKMAN"})
  void addsTheOptionsOfTornadoVmWhereItsSdkIs(String where) throws Exception {
    Path sdk = work.resolve(".sdkman/candidates/tornadovm/current");
    if (where.equals("TORNADOVM_HOME")) {
      sdk = work.resolve("an sdk");
      environment.put(where, sdk.toString());
    }
    Files.createDirectories(sdk);
    Files.writeString(sdk.resolve("tornado-argfile"), "-XX:+UseParallelGC");
    assertThat(run(launcher()).out().lines())
        .containsSubsequence(
            "<@" + sdk + "/tornado-argfile>",
            "<--module-path>",
            "<" + sdk + "/share/java/tornado>",
            "<-XX:-UseParallelGC>",
            "<-XX:+UseG1GC>");
  }

  @Test
  void goesOnWithoutTornadoVmWhereThereIsNoSdk() throws Exception {
    environment.put("TORNADOVM_HOME", work.resolve("gone").toString());
    Result result = run(launcher());
    assertThat(result.exit()).isZero();
    assertThat(result.out()).doesNotContain("<@", "UseParallelGC");
    assertThat(result.err()).contains("without TornadoVM", "gone has no tornado-argfile");
  }

  private static int heap(String line) {
    return line.matches("<-Xmx\\d+m>") ? Integer.parseInt(line.replaceAll("\\D", "")) : 0;
  }

  @Test
  void becomesTheJvmSoThatSignalsAndExitCodesAreItsOwn() throws Exception {
    environment.put("FAKE_EXIT", "7");
    Process process = start(launcher());
    String out = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(out).contains("pid " + process.pid() + "\n");
    assertThat(process.waitFor()).isEqualTo(7);
  }

  @ParameterizedTest
  @CsvSource(
      nullValues = "none",
      value = {"none, C.UTF-8", "C, C.UTF-8", "POSIX, C.UTF-8", "zh_TW.UTF-8, ''", "zh_TW, ''"})
  void readsArgumentsAsUtf8WhereNoLanguageIsSet(String language, String expected) throws Exception {
    if (language != null) {
      environment.put("LANG", language);
    }
    assertThat(run(launcher()).out()).contains("locale " + expected + "\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"25.0.3", "25.0.10", "25.0.3.1", "25.1.0", "26", "26-ea", "101.2"})
  void accepts(String version) throws Exception {
    environment.put("YUSHAN_JAVA_HOME", jdk(version).toString());
    assertThat(run(launcher()).exit()).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"1.8.0_402", "17.0.15", "21", "24.0.9", "25", "25-ea", "25.0.2"})
  void refuses(String version) throws Exception {
    Path old = jdk(version);
    environment.put("YUSHAN_JAVA_HOME", old.toString());
    Result result = run(launcher());
    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.out()).isEmpty();
    assertThat(result.err()).contains("25.0.3 or newer", old + ": " + version);
  }

  @Test
  void refusesAJdkWithoutTheVectorApi() throws Exception {
    Path small = jdk("25.0.3");
    Files.writeString(small.resolve("release"), "JAVA_VERSION=\"25.0.3\"\nMODULES=\"java.base\"\n");
    Result result = run(launcher());
    assertThat(result.err()).contains("lacks the module jdk.incubator.vector");
    assertThat(result.exit()).isEqualTo(1);
  }

  @Test
  void asksJavaWhereNoFileTellsTheVersion() throws Exception {
    Path unmarked = jdk("25.0.3");
    Files.delete(unmarked.resolve("release"));
    script(unmarked.resolve("bin/java"), "#!/bin/sh\necho 'openjdk version \"21.0.4\"' >&2\n");
    assertThat(run(launcher()).err()).contains(unmarked + ": 21.0.4 is too old");
  }

  @Test
  void goesOnFromAnOldJavaHomeToThePath() throws Exception {
    environment.remove("YUSHAN_JAVA_HOME");
    environment.put("JAVA_HOME", jdk("17.0.1").toString());
    Files.createDirectories(work.resolve("path"));
    Files.createSymbolicLink(work.resolve("path/java"), jdk("26").resolve("bin/java"));
    Result result = run(launcher());
    assertThat(result.out()).contains("<dev.yushan.cli.Yushan>");
    assertThat(result.err()).isEmpty();
  }

  @Test
  void saysThatTheDistributionIsNotWhole() throws Exception {
    Path launcher = launcher();
    Files.delete(work.resolve("dist/lib"));
    assertThat(run(launcher).err()).contains("unpack the whole distribution");
  }

  @Test
  void buildsACheckoutOnFirstUseAndWhenSourcesAreNewer() throws Exception {
    Path root = checkout();
    Result first = run(root.resolve("yushan"), "demo");
    assertThat(first.err())
        .isEqualTo("Building Yushan (first use: this takes a minute or two) ... done.\n");
    assertThat(first.out()).contains("<" + root + "/.yushan/1/lib/*:" + root + "/plugins/*>");
    assertThat(calls(root))
        .containsExactly(environment.get("YUSHAN_JAVA_HOME") + " -q -B -DskipTests package");

    assertThat(run(root.resolve("yushan")).err()).isEmpty();
    assertThat(calls(root)).hasSize(1);

    age(root.resolve(".yushan/1/stamp"));
    environment.put("YUSHAN_NO_BUILD", "1");
    assertThat(run(root.resolve("yushan")).out()).contains("/.yushan/1/lib");
    environment.remove("YUSHAN_NO_BUILD");
    assertThat(run(root.resolve("yushan")).out()).contains("/.yushan/2/lib");
    assertThat(calls(root)).hasSize(2);
  }

  @Test
  void takesWhatMavenHasPackagedAndBuildsWhereASourceIsNewerThanItsStart() throws Exception {
    Path root = checkout();
    packageAll(root);
    Result first = run(root.resolve("yushan"), "demo");
    assertThat(first.err()).isEqualTo("Taking what Maven has packaged ... done.\n");
    assertThat(first.out()).contains("<" + root + "/.yushan/1/lib/*:");
    assertThat(root.resolve(".yushan/1/lib/packaged.jar")).exists();
    assertThat(root.resolve("calls")).doesNotExist();
    assertThat(run(root.resolve("yushan")).err()).isEmpty();

    // changed while Maven was at it: the archive is newer, but not made of this source
    Path source = root.resolve("api/src/main/java/Some.java");
    Files.setLastModifiedTime(source, FileTime.from(Instant.now().plusSeconds(10)));
    packageAll(root);
    Files.setLastModifiedTime(archive(root), FileTime.from(Instant.now().plusSeconds(20)));
    assertThat(run(root.resolve("yushan")).err()).startsWith("Building Yushan (sources");
    assertThat(calls(root)).hasSize(1);
  }

  @Test
  void buildsWhereTheArchiveIsOldOrBroken() throws Exception {
    Path root = checkout();
    packageAll(root);
    // some modules alone were packaged since
    age(archive(root));
    assertThat(run(root.resolve("yushan")).err()).startsWith("Building Yushan (first use");

    Path other = checkout();
    Files.delete(other.resolve(".yushan/1/stamp"));
    packageAll(other);
    Files.writeString(archive(other), "half an archive");
    assertThat(run(other.resolve("yushan")).err()).startsWith("Building Yushan (first use");
    assertThat(other.resolve(".yushan/1/lib/some.jar")).exists();
  }

  @Test
  void buildsAnewOnceWhereTornadoVmHasCome() throws Exception {
    Path root = checkout();
    run(root.resolve("yushan"));
    Path sdk = Files.createDirectories(work.resolve("sdk"));
    Files.writeString(sdk.resolve("tornado-argfile"), "");
    environment.put("TORNADOVM_HOME", sdk.toString());
    // without the part that needs it
    packageAll(root);
    assertThat(run(root.resolve("yushan")).err())
        .isEqualTo("Building Yushan (TornadoVM has come) ... done.\n");
    assertThat(root.resolve(".yushan/2/lib/some.jar")).exists();
    assertThat(root.resolve(".yushan/2/lib/lib")).doesNotExist();
    assertThat(run(root.resolve("yushan")).err()).isEmpty();
    environment.remove("TORNADOVM_HOME");
    assertThat(run(root.resolve("yushan")).err()).isEmpty();
    assertThat(calls(root)).hasSize(2);
  }

  /// What `mvn package` leaves.
  private static void packageAll(Path root) throws Exception {
    Path lib = Files.createDirectories(root.resolve("cli/target/packed/yushan-7/lib"));
    Files.writeString(lib.resolve("packaged.jar"), "jar");
    Path packed = root.resolve("cli/target/packed");
    assertThat(
            new ProcessBuilder(
                    "tar", "-czf", archive(root).toString(), "-C", packed.toString(), "yushan-7")
                .start()
                .waitFor())
        .isZero();
    Files.createDirectories(root.resolve("target"));
    Path told = root.resolve("target/build-start");
    // no fractions, as Maven has none: in the second that comes, so that no source is newer
    Files.writeString(told, Instant.now().plusSeconds(1).truncatedTo(ChronoUnit.SECONDS) + "\n");
    Files.setLastModifiedTime(told, FileTime.from(Instant.now().minusSeconds(60)));
  }

  private static Path archive(Path root) {
    return root.resolve("cli/target/yushan-7.tar.gz");
  }

  @Test
  void keepsAnOldBuildForAsLongAsItRuns() throws Exception {
    Path root = checkout();
    assertThat(run(root.resolve("yushan")).exit()).isZero();
    Path old = root.resolve(".yushan/1");
    try (Stream<Path> users = Files.list(old.resolve("users"))) {
      users.forEach(user -> assertThat(user.toFile().delete()).isTrue());
    }
    Path user = Files.createFile(old.resolve("users/" + ProcessHandle.current().pid()));
    age(old.resolve("stamp"));
    assertThat(run(root.resolve("yushan")).out()).contains("/.yushan/2/lib");
    assertThat(old.resolve("lib/some.jar")).exists();

    Files.delete(user);
    age(root.resolve(".yushan/2/stamp"));
    assertThat(run(root.resolve("yushan")).out()).contains("/.yushan/3/lib");
    assertThat(old).doesNotExist();
  }

  @Test
  void showsWhyABuildFailedAndBuildsAgainAfterwards() throws Exception {
    Path root = checkout();
    Files.createFile(root.resolve("broken"));
    Result failed = run(root.resolve("yushan"));
    assertThat(failed.exit()).isEqualTo(1);
    assertThat(failed.out()).isEmpty();
    assertThat(failed.err()).contains("failed.", "Some.java: does not compile", "build.log");

    Files.delete(root.resolve("broken"));
    assertThat(run(root.resolve("yushan")).exit()).isZero();
  }

  @Test
  void buildsOnceWhereTwoStartTogether() throws Exception {
    Path root = checkout();
    Process one = start(root.resolve("yushan"));
    Process two = start(root.resolve("yushan"));
    assertThat(one.waitFor()).isZero();
    assertThat(two.waitFor()).isZero();
    assertThat(calls(root)).hasSize(1);
  }

  @Test
  void takesOverTheLockOfABuildThatWasKilled() throws Exception {
    Path root = checkout();
    Process gone = new ProcessBuilder("/bin/sh", "-c", "exit 0").start();
    gone.waitFor();
    Path lock = Files.createDirectories(root.resolve(".yushan/lock"));
    Files.writeString(lock.resolve("pid"), gone.pid() + "\n");
    assertThat(run(root.resolve("yushan")).exit()).isZero();
    assertThat(lock).doesNotExist();
  }

  /// As in the checkout of another user: that a process runs cannot be noted there.
  @Test
  void runsWhereItCannotBeNoted() throws Exception {
    Path root = checkout();
    assertThat(run(root.resolve("yushan")).exit()).isZero();
    Path users = root.resolve(".yushan/1/users");
    try (Stream<Path> files = Files.list(users)) {
      files.forEach(file -> assertThat(file.toFile().delete()).isTrue());
    }
    Files.delete(users);
    Result again = run(root.resolve("yushan"));
    assertThat(again.exit()).isZero();
    assertThat(again.out()).contains("/.yushan/1/lib");
  }

  /// An unpacked distribution with an empty `lib`.
  private Path distribution() throws IOException {
    Path home = work.resolve("dist");
    Files.createDirectories(home.resolve("lib"));
    Files.createDirectories(home.resolve("plugins"));
    script(home.resolve("bin/yushan"), Files.readString(SCRIPT));
    return home;
  }

  private Path launcher() throws IOException {
    return distribution().resolve("bin/yushan");
  }

  private Path checkout() throws IOException {
    Path root = work.resolve("checkout");
    script(root.resolve("yushan"), Files.readString(SCRIPT));
    Files.createDirectories(root.resolve("api/src/main/java"));
    Files.writeString(root.resolve("api/src/main/java/Some.java"), "class Some {}");
    Files.writeString(root.resolve("pom.xml"), "<project/>");
    script(work.resolve("path/mvn"), MAVEN);
    return root;
  }

  private static List<String> calls(Path root) throws IOException {
    return Files.readAllLines(root.resolve("calls"));
  }

  private static void age(Path file) throws IOException {
    Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(3600)));
  }

  /// A directory that looks like a JDK of the given version.
  private Path jdk(String version) throws IOException {
    Path home = work.resolve("jdk " + version);
    script(home.resolve("bin/java"), JAVA);
    script(home.resolve("bin/javac"), "#!/bin/sh\n");
    Files.writeString(home.resolve("release"), "JAVA_VERSION=\"" + version + "\"\n");
    return home;
  }

  private static void script(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private static void jar(Path classes, Path to) throws IOException {
    try (JarOutputStream jar = new JarOutputStream(Files.newOutputStream(to));
        Stream<Path> files = Files.walk(classes)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        jar.putNextEntry(new JarEntry(classes.relativize(file).toString()));
        Files.copy(file, jar);
      }
    }
  }

  private Process start(Path launcher, String... arguments) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(launcher.toString());
    builder.command().addAll(List.of(arguments));
    builder.directory(temporary.toFile());
    builder.environment().clear();
    builder.environment().putAll(environment);
    return builder.start();
  }

  private Result run(Path launcher, String... arguments) throws Exception {
    Path err = temporary.resolve("err");
    ProcessBuilder builder = new ProcessBuilder(launcher.toString());
    builder.command().addAll(List.of(arguments));
    builder.directory(temporary.toFile()).redirectError(err.toFile());
    builder.environment().clear();
    builder.environment().putAll(environment);
    Process process = builder.start();
    String out = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return new Result(process.exitValue(), out, Files.readString(err));
  }
}
