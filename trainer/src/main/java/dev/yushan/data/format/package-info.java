/// Formatting of Chinese text: [TextFormatter] applies the [Rule]s that a [FormatConfig] switches
/// on.
///
/// A text is formatted line by line. Of each character there is a [Kind], from a table; [Span]s
/// (addresses, code, formulas, hashtags) get kinds of their own, which no rule looks at. A rule is
/// a pass over the kinds of a [Line] that leaves edits; it is run only where a kind that it is
/// concerned with is in the line. The rules within a line are repeated until none of them edits:
/// that formatting is idempotent follows from there.
package dev.yushan.data.format;
