package dev.yushan.data.format;

import dev.yushan.data.DataException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Which rules are on: those of [Rule] that are by default, with these changes.
///
/// @param enable ids of rules to switch on (key `enable`)
/// @param disable ids of rules to switch off (key `disable`)
public record FormatConfig(List<String> enable, List<String> disable) {
  public static final FormatConfig DEFAULTS = new FormatConfig(List.of(), List.of());

  public FormatConfig {
    enable = List.copyOf(enable);
    disable = List.copyOf(disable);
    requireKnown("enable", enable);
    requireKnown("disable", disable);
    Set<String> both = new HashSet<>(enable);
    both.retainAll(disable);
    if (!both.isEmpty()) {
      throw new DataException(
          "enable: %s is in disable too; take it out of one of them"
              .formatted(both.iterator().next()));
    }
  }

  private static void requireKnown(String key, List<String> ids) {
    for (String id : ids) {
      if (Rule.of(id).isEmpty()) {
        throw new DataException(
            "%s: there is no formatting rule '%s'; there are %s"
                .formatted(key, id, String.join(", ", Rule.ids())));
      }
    }
  }

  /// Whether `rule` is on.
  public boolean on(Rule rule) {
    return enable.contains(rule.id()) || (rule.onByDefault() && !disable.contains(rule.id()));
  }
}
