package dev.yushan.io.hub;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;

/// A process of its own that downloads `models/org/name` once for every line on its standard input,
/// as its environment says, and prints the path or the reason and the message.
final class HubProcess {
  private HubProcess() {}

  public static void main(String[] args) throws IOException {
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    while (lines.readLine() != null) {
      try {
        HubRepo repo = new HubRepo(RepoType.MODEL, "org/name", "main");
        System.out.println(
            new Hub(HubSettings.ofEnvironment(), HubProgress.silent())
                .download(repo, new Patterns(List.of(), List.of())));
      } catch (HubException e) {
        System.out.println(e.reason() + ": " + e.getMessage());
      }
    }
  }
}
