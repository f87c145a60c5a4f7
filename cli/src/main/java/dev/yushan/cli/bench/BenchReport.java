package dev.yushan.cli.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.backend.DeviceLimits;
import dev.yushan.cli.Columns;
import dev.yushan.cli.Version;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/// Measurements, and what they were made on.
///
/// @param setting of those on a model
/// @param threads that computed
/// @param limits what the device can do at most
/// @param peak of the memory of the process (`VmHWM`), in bytes
/// @param results at least one
/// @param ops what they spend their time on, of `--profile`
record BenchReport(
    Optional<Setting> setting,
    int threads,
    Optional<DeviceLimits> limits,
    OptionalLong peak,
    List<Measurement> results,
    List<OpClock.OpTime> ops) {
  private static final String[] NUMBERS = {
    "median", "unit", "min–max", "GFLOP/s", "of peak", "GB/s", "of reads"
  };

  /// Columns at the end that are about what a device can do.
  private static final int RATES = 4;

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path PROCESSORS = Path.of("/proc/cpuinfo");

  /// @param shape its name
  /// @param parameters of it
  /// @param description the backend in words
  record Setting(String shape, long parameters, String backend, String description) {}

  BenchReport {
    results = List.copyOf(results);
    ops = List.copyOf(ops);
  }

  /// A table for people.
  ///
  /// @param others processors that other programs kept busy meanwhile
  void print(PrintWriter out, double others) {
    out.printf(
        Locale.ROOT,
        "%s, %d processor(s), %d thread(s)%n",
        processor(),
        Runtime.getRuntime().availableProcessors(),
        threads);
    setting.ifPresent(
        s ->
            out.printf(
                Locale.ROOT,
                "%s: %s%nshape %s: %,d parameters, random weights%n",
                s.backend,
                s.description,
                s.shape,
                s.parameters));
    limits.ifPresent(
        most ->
            out.printf(
                Locale.ROOT,
                "limits: %.1f GFLOP/s (multiply-adds on registers), %.1f GB/s (reading memory)%n",
                most.flops() / 1e9,
                most.readBytes() / 1e9));
    peak.ifPresent(
        bytes -> out.printf(Locale.ROOT, "peak RSS %.2f GiB%n", bytes / (double) (1 << 30)));
    if (OtherWork.worthTelling(others)) {
      out.printf(
          Locale.ROOT,
          "not alone: other programs kept %.1f processors busy meanwhile, so this may be slower%n",
          others);
    }
    out.println();
    Columns table = new Columns(shown(headings()));
    results.forEach(one -> table.add(shown(cells(one))));
    table.print(out);
    if (!ops.isEmpty()) {
      out.println();
      printOps(out);
    }
  }

  private void printOps(PrintWriter out) {
    Columns table =
        new Columns("work", "op", "calls", "ms", "share", "GFLOP/s", "of peak", "GB/s", "of reads");
    double work = 0;
    for (OpClock.OpTime op : ops) {
      work += op.seconds();
      table.add(
          op.of(),
          op.op(),
          op.calls() == 0 ? "" : Long.toString(op.calls()),
          number(1e3 * op.seconds()),
          String.format(Locale.ROOT, "%.1f %%", 100 * op.share()),
          op.flops() == 0 ? "" : number(op.flops() / 1e9),
          op.flops() == 0 ? "" : percent(op.flops(), limits.map(DeviceLimits::flops)),
          op.bytes() == 0 ? "" : number(op.bytes() / 1e9),
          op.bytes() == 0 ? "" : percent(op.bytes(), limits.map(DeviceLimits::readBytes)));
      if (op.op().equals(OpClock.NO_OP)) {
        table.add(op.of(), "in all", "", number(1e3 * work), "100.0 %", "", "", "", "");
        work = 0;
      }
    }
    table.print(out);
    out.println(
        "matmul: both operands as stored (N) or transposed (T), rows · columns · length of the"
            + " sums; GB/s are of the second");
  }

  private List<String> headings() {
    return Stream.concat(results.getFirst().what().keySet().stream(), Stream.of(NUMBERS)).toList();
  }

  /// Without the columns at the end that are empty in all lines.
  private String[] shown(List<String> cells) {
    boolean rates = results.stream().anyMatch(one -> one.flops() > 0 || one.bytes() > 0);
    return cells.subList(0, cells.size() - (rates ? 0 : RATES)).toArray(String[]::new);
  }

  private List<String> cells(Measurement one) {
    double flops = one.median() * one.flops();
    double bytes = one.median() * one.bytes();
    return Stream.concat(
            one.what().values().stream().map(Object::toString),
            Stream.of(
                number(one.median()),
                one.unit(),
                number(one.min()) + "–" + number(one.max()),
                flops == 0 ? "" : number(flops / 1e9),
                flops == 0 ? "" : percent(flops, limits.map(DeviceLimits::flops)),
                bytes == 0 ? "" : number(bytes / 1e9),
                bytes == 0 ? "" : percent(bytes, limits.map(DeviceLimits::readBytes))))
        .toList();
  }

  /// Three digits or more.
  private static String number(double value) {
    int decimals = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
    return String.format(Locale.ROOT, "%,." + decimals + "f", value);
  }

  private static String percent(double value, Optional<Double> most) {
    return most.map(m -> String.format(Locale.ROOT, "%.0f %%", 100 * value / m)).orElse("");
  }

  /// The same for programs.
  ///
  /// @param bench the command that measured
  /// @param how often it measured, and when it began
  /// @param others processors that other programs kept busy meanwhile
  String json(String bench, Stopwatch how, double others) {
    ObjectNode json = JSON.createObjectNode();
    json.put("bench", bench);
    json.put("date", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
    json.put("program", new Version().getVersion()[0]);
    json.put("java", Runtime.version().toString());
    ArrayNode javaOptions = json.putArray("java_options");
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(option -> option.startsWith("-X"))
        .forEach(javaOptions::add);
    json.put("repeat", how.repeat());
    json.put("warm_up_seconds", how.warmUpSeconds());
    ObjectNode machine = json.putObject("machine");
    machine.put("processor", processor());
    machine.put("processors", Runtime.getRuntime().availableProcessors());
    machine.put("os", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
    machine.put("memory_bytes", memory());
    machine.put("others_busy_processors", others);
    json.put("threads", threads);
    setting.ifPresent(
        s -> {
          json.putObject("backend").put("name", s.backend).put("description", s.description);
          json.putObject("shape").put("name", s.shape).put("parameters", s.parameters);
        });
    limits.ifPresent(
        most ->
            json.putObject("limits")
                .put("flops_per_second", most.flops())
                .put("read_bytes_per_second", most.readBytes()));
    peak.ifPresent(bytes -> json.put("peak_rss_bytes", bytes));
    json.putArray("results").addAll(results.stream().map(this::json).toList());
    for (OpClock.OpTime op : ops) {
      ObjectNode time = json.withArray("profile").addObject();
      time.put("of", op.of()).put("op", op.op()).put("calls", op.calls());
      time.put("seconds", op.seconds()).put("share", op.share());
      rate(time, "flops", op.flops(), limits.map(DeviceLimits::flops));
      rate(time, "read_bytes", op.bytes(), limits.map(DeviceLimits::readBytes));
    }
    return json.toPrettyString() + "\n";
  }

  private ObjectNode json(Measurement one) {
    ObjectNode json = JSON.valueToTree(one.what());
    json.put("unit", one.unit());
    json.put("median", one.median());
    json.put("min", one.min());
    json.put("max", one.max());
    for (double value : one.values()) {
      json.withArray("values").add(value);
    }
    rate(json, "flops", one.median() * one.flops(), limits.map(DeviceLimits::flops));
    rate(json, "read_bytes", one.median() * one.bytes(), limits.map(DeviceLimits::readBytes));
    return json;
  }

  private static void rate(ObjectNode json, String name, double value, Optional<Double> most) {
    if (value > 0) {
      json.put(name + "_per_second", value);
      most.ifPresent(m -> json.put(name + "_share", value / m));
    }
  }

  /// As the system names it.
  private static String processor() {
    if (Files.isReadable(PROCESSORS)) {
      try (Stream<String> lines = Files.lines(PROCESSORS)) {
        Optional<String> model = lines.filter(line -> line.startsWith("model name")).findFirst();
        if (model.isPresent()) {
          return model.get().replaceFirst("^[^:]*:\\s*", "");
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return System.getProperty("os.arch");
  }

  private static long memory() {
    return ManagementFactory.getOperatingSystemMXBean()
            instanceof com.sun.management.OperatingSystemMXBean system
        ? system.getTotalMemorySize()
        : 0;
  }
}
