package dev.yushan.data.hygiene;

import java.util.Optional;

/// What was measured of a text, and the first filter that refuses it, if one does.
public record QualityResult(QualityMeasures measures, Optional<Rejection> rejection) {}
