package dev.yushan.train;

/// What an optimizer step did.
///
/// @param step its number, from 1
/// @param loss mean negative log-likelihood of its targets, natural log
/// @param learningRate the rate it used
/// @param gradientNorm before clipping
/// @param tokens real tokens in its micro-batches
/// @param seconds time it took
public record StepReport(
    long step,
    double loss,
    double learningRate,
    double gradientNorm,
    long tokens,
    double seconds) {}
