package dev.yushan.cli;

import dev.yushan.io.ByteSize;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// Reads a size such as `50GB`.
final class SizeConverter implements ITypeConverter<Long> {
  @Override
  public Long convert(String text) {
    return ByteSize.parse(text.strip())
        .orElseThrow(
            () ->
                new TypeConversionException(
                    "'%s' is no size; write for example 50GB, 500MiB or a number of bytes"
                        .formatted(text)));
  }
}
