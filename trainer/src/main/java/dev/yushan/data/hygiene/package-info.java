/// What keeps a corpus clean, text by text: which script it is written in, how good it is, and what
/// it tells about persons.
///
/// All of it is pure functions of a text and a configuration record, safe to call from any thread:
///
/// | what | function | settings | result |
/// |---|---|---|---|
/// | script | [ScriptDetector#profile] | [ScriptConfig] | [ScriptProfile] |
/// | conversion to Taiwan's standard | [TaiwanConversion#convert] | `convert_words` | the text |
/// | mainland vocabulary | [MainlandWords#count] | `count_ambiguous` | [WordCounts] |
/// | quality | [Quality#check] | [QualityConfig] | [QualityResult] |
/// | personal data | [Pii#find], [Pii#redact] | [PiiConfig] | [PiiSpan]s, the text |
///
/// The tables (characters, words, phrases) are resources read once. `docs/reference/hygiene.md` has
/// the defaults, and why they are what they are.
package dev.yushan.data.hygiene;
