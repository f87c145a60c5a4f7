package dev.yushan.io.hub;

import java.util.List;

/// Which files of a repository are wanted.
@FunctionalInterface
public interface FileChoice {
  /// Those of `paths` that are wanted, in the same order.
  List<String> of(List<String> paths);
}
