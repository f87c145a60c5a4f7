package dev.yushan.http;

import java.util.Optional;

/// The version of the server, from the manifest of its jar.
final class Version {
  static final String OF_SERVER =
      Optional.ofNullable(HttpService.class.getPackage().getImplementationVersion())
          .orElse("development");

  private Version() {}
}
