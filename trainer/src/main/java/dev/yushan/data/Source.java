package dev.yushan.data;

import java.util.List;

/// One entry of `dataset` or `eval_dataset`: the name it was asked for by, and its files in order.
public record Source(String name, List<SourceFile> files) {
  public Source {
    files = List.copyOf(files);
  }
}
