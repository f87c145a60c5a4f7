package dev.yushan.backend.testkit;

import static dev.yushan.backend.testkit.Operand.Kind.FIXED;
import static dev.yushan.backend.testkit.Operand.Kind.TOKENS;
import static dev.yushan.backend.testkit.Operand.Kind.TOKEN_COLUMNS;

import dev.yushan.backend.AttentionShape;
import dev.yushan.backend.Feature;
import dev.yushan.backend.Qkv;
import dev.yushan.backend.testkit.Trial.Binding;
import dev.yushan.backend.testkit.Trial.Call;
import java.util.Arrays;
import java.util.List;

/// Checks of `attention` and `attentionBackward`.
final class AttentionChecks {
  private static final int[][] HEADS = {{1, 1}, {2, 1}, {4, 2}, {3, 3}, {6, 2}, {8, 1}};
  private static final int[] DIMS = {2, 4, 6, 8, 14, 16, 32, 64, 80, 128};

  private AttentionChecks() {}

  static List<Check> all() {
    return List.of(
        Check.of("attention", "values", t -> sizes(t, AttentionChecks::forward)),
        Check.of("attention", "large scores", AttentionChecks::largeScores),
        Check.of("attention", "NaN stays where it is seen", AttentionChecks::special),
        Check.of("attention", "a sequence alone has the same bits", AttentionChecks::alone),
        Check.of(
            "attentionBackward",
            "values",
            Feature.TRAINING,
            t -> sizes(t, AttentionChecks::backward)),
        Check.of(
            "attentionBackward",
            "a sequence alone has the same bits",
            Feature.TRAINING,
            AttentionChecks::backwardAlone));
  }

  /// A ragged batch.
  private record Batch(AttentionShape shape, int[] sequences) {
    int tokens() {
      return sequences[sequences.length - 1];
    }
  }

  private interface Sized {
    void check(Trial trial, Layout layout, Batch batch);
  }

  private static void sizes(Trial trial, Sized check) {
    for (int i = 0; i < (Trial.thorough() ? 40 : 15); i++) {
      int[] heads = HEADS[i % HEADS.length];
      AttentionShape shape = AttentionShape.of(heads[0], heads[1], DIMS[i % DIMS.length]);
      int most = Math.max(2, (int) Math.sqrt((1 << 17) / (heads[0] * shape.headDim())));
      int tokens = trial.size(Math.min(most, 131));
      check.check(trial, Layout.turn(i), new Batch(shape, sequences(trial, tokens)));
    }
    check.check(trial, Layout.COLUMNS, new Batch(AttentionShape.of(1, 1, 2), new int[] {0, 517}));
    check.check(trial, Layout.COUNTED, new Batch(AttentionShape.of(2, 1, 128), new int[] {0, 37}));
    check.check(
        trial,
        Layout.PLAIN,
        new Batch(new AttentionShape(32, 8, 64, 0.05f), new int[] {0, 1, 1, 6, 7}));
  }

  /// Some sequences that fill `tokens` rows, one of them empty if there are several.
  static int[] sequences(Trial trial, int tokens) {
    int count = 1 + trial.random().nextInt(Math.min(4, tokens));
    int[] starts = trial.random().ints(count + 1, 0, tokens + 1).sorted().toArray();
    starts[0] = 0;
    starts[count] = tokens;
    if (count > 2) {
      starts[2] = starts[1];
    }
    return starts;
  }

  private record Forward(
      Batch batch,
      Operand q,
      Operand k,
      Operand v,
      Operand sequences,
      Operand out,
      Operand lse,
      Call call) {
    Qkv in(Binding of) {
      return new Qkv(of.it(q), of.it(k), of.it(v));
    }
  }

  private static Forward operands(Trial trial, Batch batch, double spread) {
    AttentionShape shape = batch.shape;
    int tokens = batch.tokens();
    double[] queries =
        trial.draw(tokens * shape.queryColumns(), () -> spread * trial.random().nextGaussian());
    Operand q = trial.real("q", TOKEN_COLUMNS, tokens, shape.queryColumns(), queries);
    Operand k = trial.real("k", TOKEN_COLUMNS, tokens, shape.kvColumns());
    Operand v = trial.real("v", TOKEN_COLUMNS, tokens, shape.kvColumns());
    Operand sequences = trial.ints("sequences", FIXED, batch.sequences);
    Operand out = trial.output("out", TOKEN_COLUMNS, tokens, shape.queryColumns());
    Operand lse = trial.output("logSumExp", TOKENS, tokens, shape.heads());
    Call call =
        (kernels, of) ->
            kernels.attention(
                shape,
                new Qkv(of.it(q), of.it(k), of.it(v)),
                of.it(sequences),
                of.it(out),
                of.it(lse));
    return new Forward(batch, q, k, v, sequences, out, lse, call);
  }

  private static void forward(Trial trial, Layout layout, Batch batch) {
    trial.begin(layout, "attention %s, sequences %s", batch.shape, starts(batch));
    compare(trial, operands(trial, batch, 1));
  }

  private static String starts(Batch batch) {
    return Arrays.toString(batch.sequences);
  }

  private static void compare(Trial trial, Forward f) {
    trial.run(f.call, f.out, f.lse);
    double[] lse = trial.expected(f.lse);
    AttentionBounds bounds =
        new AttentionBounds(f.batch.shape, f.batch.sequences, f.q, f.k, f.v).forward(lse);
    trial.close(f.out, i -> bounds.output(bounds.out[i]));
    trial.close(f.lse, i -> bounds.logSumExp(lse[i]));
  }

  private static void largeScores(Trial trial) {
    Batch batch = new Batch(AttentionShape.of(2, 1, 16), new int[] {0, 47, 67});
    trial.begin(Layout.PLAIN, "attention with scores up to 200");
    compare(trial, operands(trial, batch, 60));
  }

  /// A NaN reaches the tokens that see it and no other: neither those before it nor those of other
  /// sequences.
  private static void special(Trial trial) {
    Batch batch = new Batch(AttentionShape.of(2, 1, 4), new int[] {0, 33, 67});
    for (String which : List.of("q", "k", "v")) {
      trial.begin(Layout.PLAIN, "attention with a NaN in %s", which);
      Forward drawn = operands(trial, batch, 1);
      Operand source = which.equals("q") ? drawn.q : which.equals("k") ? drawn.k : drawn.v;
      double[] values = source.values().clone();
      values[20 * source.columns + 3] = Double.NaN;
      Operand changed = trial.real(which, TOKEN_COLUMNS, source.rows, source.columns, values);
      Call call =
          (kernels, of) ->
              drawn.call.on(kernels, operand -> of.it(operand == source ? changed : operand));
      trial.run(call, drawn.out, drawn.lse);
      trial.close(drawn.out, i -> 1e-4);
      trial.close(drawn.lse, i -> 1e-4);
    }
  }

  private static void alone(Trial trial) {
    for (int[] heads : HEADS) {
      AttentionShape shape = AttentionShape.of(heads[0], heads[1], 16);
      Batch batch = new Batch(shape, new int[] {0, 5, 5, 72, 73, 90});
      trial.begin(Layout.COLUMNS, "attention %s, each sequence alone", shape);
      Forward f = operands(trial, batch, 1);
      trial.runUnreferenced(f.call, f.out, f.lse);
      double[] out = f.out.actual();
      double[] lse = f.lse.actual();
      for (int s = 0; s + 1 < batch.sequences.length; s++) {
        int from = batch.sequences[s];
        int to = batch.sequences[s + 1];
        onlySequence(trial, f.call, f.sequences, from, to);
        sameRows(trial, f.out, out, from, to);
        sameRows(trial, f.lse, lse, from, to);
      }
    }
  }

  /// Runs `call` on the rows of one sequence.
  private static void onlySequence(Trial trial, Call call, Operand sequences, int from, int to) {
    trial.reset();
    try (var offsets = trial.backend().tensor(new int[] {0, to - from}, 2)) {
      call.on(
          trial.backend().kernels(),
          operand -> operand == sequences ? offsets : operand.tensor().rows(from, to));
    }
  }

  static void sameRows(Trial trial, Operand operand, double[] before, int from, int to) {
    int columns = operand.columns;
    trial.sameBits(
        "rows %d to %d alone".formatted(from, to),
        operand,
        Arrays.copyOfRange(before, from * columns, to * columns),
        Arrays.copyOfRange(operand.actual(), from * columns, to * columns));
  }

  private record Backward(Forward forward, Operand dOut, List<Operand> results, Call call) {}

  private static Backward backwardOperands(Trial trial, Layout layout, Batch batch) {
    AttentionShape shape = batch.shape;
    trial.begin(layout, "attentionBackward %s, sequences %s", shape, starts(batch));
    Forward plain = operands(trial, batch, 1);
    trial.reference(plain.call);
    Operand out =
        trial.real(
            "out", TOKEN_COLUMNS, plain.out.rows, plain.out.columns, trial.expected(plain.out));
    Operand lse =
        trial.real(
            "logSumExp", TOKENS, plain.lse.rows, plain.lse.columns, trial.expected(plain.lse));
    Operand dOut = trial.real("dOut", TOKEN_COLUMNS, batch.tokens(), shape.queryColumns());
    Operand dQ = trial.output("dQ", TOKEN_COLUMNS, batch.tokens(), shape.queryColumns());
    Operand dK = trial.output("dK", TOKEN_COLUMNS, batch.tokens(), shape.kvColumns());
    Operand dV = trial.output("dV", TOKEN_COLUMNS, batch.tokens(), shape.kvColumns());
    Call call =
        (kernels, of) ->
            kernels.attentionBackward(
                shape,
                of.it(dOut),
                plain.in(of),
                of.it(out),
                of.it(lse),
                of.it(plain.sequences),
                new Qkv(of.it(dQ), of.it(dK), of.it(dV)));
    Forward forward =
        new Forward(batch, plain.q, plain.k, plain.v, plain.sequences, out, lse, plain.call);
    return new Backward(forward, dOut, List.of(dQ, dK, dV), call);
  }

  private static void backward(Trial trial, Layout layout, Batch batch) {
    Backward b = backwardOperands(trial, layout, batch);
    trial.run(b.call, b.results.toArray(Operand[]::new));
    Forward f = b.forward;
    AttentionBounds bounds =
        new AttentionBounds(batch.shape, batch.sequences, f.q, f.k, f.v)
            .backward(f.lse.values(), b.dOut, f.out);
    List<double[]> magnitudes = List.of(bounds.dQ, bounds.dK, bounds.dV);
    for (int g = 0; g < 3; g++) {
      double[] magnitude = magnitudes.get(g);
      trial.close(b.results.get(g), i -> bounds.gradient(magnitude[i]));
    }
  }

  private static void backwardAlone(Trial trial) {
    for (int[] heads : HEADS) {
      Batch batch = new Batch(AttentionShape.of(heads[0], heads[1], 16), new int[] {0, 5, 72, 90});
      Backward b = backwardOperands(trial, Layout.COLUMNS, batch);
      trial.runUnreferenced(b.call, b.results.toArray(Operand[]::new));
      List<double[]> together = b.results.stream().map(Operand::actual).toList();
      for (int s = 0; s + 1 < batch.sequences.length; s++) {
        int from = batch.sequences[s];
        int to = batch.sequences[s + 1];
        onlySequence(trial, b.call, b.forward.sequences, from, to);
        for (int g = 0; g < 3; g++) {
          sameRows(trial, b.results.get(g), together.get(g), from, to);
        }
      }
    }
  }
}
