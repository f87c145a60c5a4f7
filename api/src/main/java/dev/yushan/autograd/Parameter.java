package dev.yushan.autograd;

import dev.yushan.tensor.Tensor;
import java.util.Optional;

/// A named weight, and beside it its gradient while it is trained.
///
/// @param name the Hugging Face name, for example `model.layers.0.self_attn.q_proj.weight`
/// @param value the weight; F32 where it is trained
/// @param gradient F32 of the same shape, added to by every backward; empty for a frozen weight
public record Parameter(String name, Tensor value, Optional<Tensor> gradient) {
  public Parameter {
    gradient.ifPresent(
        g -> {
          if (!g.shape().equals(value.shape())) {
            throw new IllegalArgumentException(
                "gradient %s of '%s' does not match %s".formatted(g, name, value));
          }
        });
  }

  /// Rows `from` to `to` of a fused weight under their own name: value and gradient are views.
  public Parameter rows(String part, long from, long to) {
    return new Parameter(part, value.rows(from, to), gradient.map(g -> g.rows(from, to)));
  }
}
