package dev.yushan.train;

import dev.yushan.backend.Traffic;
import java.util.Optional;

/// What an optimizer step did.
///
/// @param step its number, from 1
/// @param loss mean negative log-likelihood of its targets, natural log
/// @param learningRate the rate it used
/// @param gradientNorm before clipping
/// @param tokens real tokens in its micro-batches
/// @param spike what was out of the ordinary; with `on_spike: skip` the weights stayed as they were
/// @param seconds time it took
/// @param traffic what it moved between host and device
public record StepReport(
    long step,
    double loss,
    double learningRate,
    double gradientNorm,
    long tokens,
    Optional<Spike> spike,
    double seconds,
    Traffic traffic) {}
