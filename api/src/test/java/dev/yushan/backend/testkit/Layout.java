package dev.yushan.backend.testkit;

/// How the operands of a case lie in memory. Around every operand there are NaNs, which nobody may
/// read or write.
///
/// @param lead elements (blocks, if quantised) before the operand
/// @param left columns before it, where the op takes column views, as `right` after it
/// @param above rows of the counted tensor before the view, where the op takes a live count
/// @param dead rows past the count
enum Layout {
  PLAIN(0, 0, 0, 0, 0, false),
  UNALIGNED(3, 0, 0, 0, 0, false),
  COLUMNS(1, 5, 2, 0, 0, false),
  COUNTED(0, 0, 0, 2, 3, true),
  COUNTED_COLUMNS(2, 1, 7, 0, 17, true);

  final int lead;
  final int left;
  final int right;
  final int above;
  final int dead;
  final boolean counted;

  Layout(int lead, int left, int right, int above, int dead, boolean counted) {
    this.lead = lead;
    this.left = left;
    this.right = right;
    this.above = above;
    this.dead = dead;
    this.counted = counted;
  }

  /// The layouts in turn.
  static Layout turn(int i) {
    return values()[i % values().length];
  }
}
