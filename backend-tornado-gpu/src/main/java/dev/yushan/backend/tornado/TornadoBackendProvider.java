package dev.yushan.backend.tornado;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendException;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.BackendProvider;
import dev.yushan.plugin.Availability;
import dev.yushan.plugin.Plugin;
import java.lang.reflect.Constructor;

/// The `tornado` backend: devices of OpenCL and CUDA through TornadoVM.
///
/// This class touches nothing of TornadoVM, so that it can say what is missing where that is not
/// installed.
public final class TornadoBackendProvider implements BackendProvider {
  private static final String RUNTIME = "uk.ac.manchester.tornado.api.TornadoExecutionPlan";
  private static final String ACCESS = "dev.yushan.backend.tornado.TornadoOpener";
  private static final String GUIDE = "docs/how-to/use-a-gpu.md";

  @Override
  public String name() {
    return "tornado";
  }

  @Override
  public int apiVersion() {
    return Plugin.API_VERSION;
  }

  /// Below that of the CPU: it is used where it is asked for.
  @Override
  public int priority() {
    return 5;
  }

  @Override
  public Availability probe() {
    if (!isThere(RUNTIME)) {
      return new Availability.Unavailable(
          "TornadoVM not found",
          "install an SDK of TornadoVM and set TORNADOVM_HOME, see " + GUIDE);
    }
    if (!isThere(ACCESS)) {
      return new Availability.Unavailable(
          "this build of Yushan was made without TornadoVM",
          "build it with TORNADOVM_HOME set, see " + GUIDE);
    }
    try {
      return access().probe();
    } catch (Exception | LinkageError e) {
      return new Availability.Unavailable(
          "TornadoVM does not start: " + reason(e),
          "check that its drivers fit this machine (an SDK with CUDA needs libcuda and libnvrtc),"
              + " see "
              + GUIDE);
    }
  }

  /// Opens the backend on the device that the options name as `driver:number`, the first one where
  /// they name none. It knows one setting: `memory_bytes`, the most memory it may hold.
  @Override
  public Backend open(BackendOptions options) {
    if (probe() instanceof Availability.Unavailable missing) {
      throw new BackendException(
          "the tornado backend cannot run: %s; %s".formatted(missing.reason(), missing.remedy()));
    }
    try {
      return access().open(options);
    } catch (ReflectiveOperationException | LinkageError e) {
      throw new BackendException(
          "the tornado backend cannot run: %s; see %s".formatted(reason(e), GUIDE), e);
    }
  }

  private static boolean isThere(String name) {
    try {
      Class.forName(name, false, TornadoBackendProvider.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException | LinkageError e) {
      return false;
    }
  }

  private static TornadoAccess access() throws ReflectiveOperationException {
    Constructor<?> constructor = Class.forName(ACCESS).getDeclaredConstructor();
    return (TornadoAccess) constructor.newInstance();
  }

  private static String reason(Throwable e) {
    Throwable cause = e;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause.getMessage() == null ? cause.toString() : cause.getMessage().strip();
  }
}
