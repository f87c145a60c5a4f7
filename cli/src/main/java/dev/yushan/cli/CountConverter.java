package dev.yushan.cli;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// Reads a number of tokens such as `8192`, or as vLLM has it `8k` (8,000) and `8K` (8,192).
final class CountConverter implements ITypeConverter<Integer> {
  private static final Pattern COUNT = Pattern.compile("(-?\\d{1,10})([kKmM]?)");
  private static final Map<String, Long> UNITS =
      Map.of("", 1L, "k", 1000L, "K", 1L << 10, "m", 1_000_000L, "M", 1L << 20);

  @Override
  public Integer convert(String text) {
    Matcher count = COUNT.matcher(text.strip());
    if (count.matches()) {
      long value = Long.parseLong(count.group(1)) * UNITS.get(count.group(2));
      if (value == (int) value) {
        return (int) value;
      }
    }
    throw new TypeConversionException(
        "'%s' is no number of tokens; write for example 8192, 8k (8000) or 8K (8192)"
            .formatted(text));
  }
}
