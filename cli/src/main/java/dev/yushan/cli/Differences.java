package dev.yushan.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.io.FloatFormats;
import dev.yushan.io.SafetensorsDirectory;
import dev.yushan.io.StoredTensor;
import dev.yushan.model.Models;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;

/// Where two model directories differ: config, tokenizer, and every tensor value by value.
///
/// @param everyTensor shows all tensors that differ, not only the most different
record Differences(Path a, Path b, boolean everyTensor) {
  private static final int SHOWN = 10;
  private static final int PIECE = 1 << 18;

  /// How far apart two tensors are.
  ///
  /// @param relative ‖b − a‖ / ‖a‖, in Euclidean norm
  /// @param largest the largest |b − a|
  record Distance(String name, double relative, double largest) {}

  void print(PrintWriter out) throws IOException {
    config(out);
    tokenizer(out);
    try (SafetensorsDirectory left = SafetensorsDirectory.open(a);
        SafetensorsDirectory right = SafetensorsDirectory.open(b)) {
      tensors(left, right, out);
    }
  }

  private void config(PrintWriter out) {
    JsonNode left = Models.configJson(a);
    JsonNode right = Models.configJson(b);
    TreeSet<String> keys = new TreeSet<>();
    left.fieldNames().forEachRemaining(keys::add);
    right.fieldNames().forEachRemaining(keys::add);
    keys.removeIf(key -> left.path(key).equals(right.path(key)));
    if (keys.isEmpty()) {
      out.println("config.json: equal");
      return;
    }
    Columns table = new Columns("CONFIG", a.toString(), b.toString());
    keys.forEach(key -> table.add(key, text(left.path(key)), text(right.path(key))));
    table.print(out);
  }

  private static String text(JsonNode value) {
    return value.isMissingNode() ? "absent" : value.toString();
  }

  private void tokenizer(PrintWriter out) throws IOException {
    Path left = a.resolve("tokenizer.json");
    Path right = b.resolve("tokenizer.json");
    boolean inBoth = Files.isRegularFile(left) && Files.isRegularFile(right);
    boolean inNone = !Files.exists(left) && !Files.exists(right);
    String said =
        inBoth
            ? Files.mismatch(left, right) < 0 ? "equal" : "different"
            : inNone ? "in neither" : "only in " + (Files.exists(left) ? a : b);
    out.println("tokenizer.json: " + said);
  }

  private void tensors(SafetensorsDirectory left, SafetensorsDirectory right, PrintWriter out) {
    List<Distance> apart = new ArrayList<>();
    int equal = 0;
    int reshaped = 0;
    int single = 0;
    for (StoredTensor one : left.tensors()) {
      StoredTensor two = right.find(one.name()).orElse(one);
      if (two == one) {
        single++;
        out.printf("tensor %s: only in %s%n", one.name(), a);
      } else if (!one.header().dims().equals(two.header().dims())) {
        reshaped++;
        out.printf(
            "tensor %s: shape %s against %s%n",
            one.name(), one.header().dims(), two.header().dims());
      } else {
        Distance distance = distance(one, two);
        equal += distance.largest() == 0 ? 1 : 0;
        if (distance.largest() != 0) {
          apart.add(distance);
        }
      }
    }
    for (StoredTensor two : right.tensors()) {
      if (left.find(two.name()).isEmpty()) {
        single++;
        out.printf("tensor %s: only in %s%n", two.name(), b);
      }
    }
    out.printf(
        "tensors: %d of equal values, %d that differ%s%n",
        equal,
        apart.size(),
        (reshaped == 0 ? "" : ", %d of another shape".formatted(reshaped))
            + (single == 0 ? "" : ", %d in one of them only".formatted(single)));
    print(apart, out);
  }

  private void print(List<Distance> apart, PrintWriter out) {
    if (apart.isEmpty()) {
      return;
    }
    apart.sort(Comparator.comparingDouble(Distance::relative).reversed());
    Columns table = new Columns("TENSOR", "|B-A|/|A|", "LARGEST");
    apart.stream()
        .limit(everyTensor ? apart.size() : SHOWN)
        .forEach(
            d ->
                table.add(d.name(), "%.3e".formatted(d.relative()), "%.3e".formatted(d.largest())));
    out.println();
    table.print(out);
    if (!everyTensor && apart.size() > SHOWN) {
      out.printf("and %d more: --tensors shows all%n", apart.size() - SHOWN);
    }
  }

  /// Compares values, whatever types they are stored in. NaN is far from everything.
  static Distance distance(StoredTensor one, StoredTensor two) {
    if (!one.type().real() || !two.type().real()) {
      boolean same = one.type() == two.type() && one.data().mismatch(two.data()) < 0;
      double far = same ? 0 : Double.NaN;
      return new Distance(one.name(), far, far);
    }
    double sum = 0;
    double norm = 0;
    double largest = 0;
    long elements = one.header().elements();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment x = arena.allocate(4L * PIECE, 4);
      MemorySegment y = arena.allocate(4L * PIECE, 4);
      for (long from = 0; from < elements; from += PIECE) {
        int n = (int) Math.min(PIECE, elements - from);
        widen(one, from, n, x);
        widen(two, from, n, y);
        for (int i = 0; i < n; i++) {
          double value = x.getAtIndex(ValueLayout.JAVA_FLOAT, i);
          double change = y.getAtIndex(ValueLayout.JAVA_FLOAT, i) - value;
          sum += change * change;
          norm += value * value;
          largest = Math.max(largest, Math.abs(change));
        }
      }
    }
    return new Distance(one.name(), sum == 0 ? 0 : Math.sqrt(sum / norm), largest);
  }

  private static void widen(StoredTensor tensor, long from, int count, MemorySegment to) {
    int size = tensor.type().bytes();
    FloatFormats.widen(
        tensor.type(), tensor.data().asSlice(from * size, (long) count * size), to, count);
  }
}
