package dev.yushan.backend.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

/// Launches by CUDA's driver, with functions of Java in its place; a graph tells where things are
/// and does nothing else.
class CudaLauncherTest {
  static {
    // its options, before the first class of TornadoVM: other tests of the process need them
    new TornadoOpener();
  }

  private static final long STREAM = 5;
  private static final long HEADER = 16;
  private static final long FUNCTION = 0x501;

  @AutoClose private final JavaCuda cuda = new JavaCuda();
  private final Lanes lanes = new Lanes();

  /// A device whose parameters, floats, shorts and integers are the stand-in's memory.
  private final Lanes.Place place =
      new Lanes.Place(3, STREAM, 0x1010, 0x2010, 0x3010, cuda.arena.allocate(4096).address());

  private CudaLauncher launcher(Consumer<Kernel> graphs) {
    return new CudaLauncher(new CudaDriver(cuda.symbols()), lanes, graphs);
  }

  @Test
  void theArgumentOfParametersIsFoundByItsValueAndReplaced() {
    cuda.captured(JavaCuda.KERNEL, FUNCTION, 1, place.parameters() - HEADER, place.floats());
    CudaLauncher launcher = launcher(kernel -> lanes.told(place));
    launcher.launch(Kernel.ADD, 200, 7);
    launcher.launch(Kernel.ADD, new int[Common.LENGTH], 8);
    assertThat(cuda.launches)
        .extracting(JavaCuda.Launch::arguments)
        .containsExactly(
            List.of(1L, place.ints() + 4 * 200 - HEADER, place.floats()),
            List.of(1L, place.ints() + 4 * Common.PARAMETERS - HEADER, place.floats()));
    assertThat(cuda.launches)
        .extracting(launch -> launch.groups().getFirst())
        .containsExactly(7, 8);
    // found once for all
    assertThat(cuda.calls.stream().filter(call -> call.startsWith("capture of"))).hasSize(1);
  }

  @Test
  void whatCannotBeLaunchedAgainIsRefused() {
    CudaLauncher launcher = launcher(kernel -> lanes.told(place));
    assertThatThrownBy(() -> launcher.launch(Kernel.ADD, 200, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("ADD as 0 kernels");
    cuda.captured(JavaCuda.KERNEL, FUNCTION, 1, 2);
    assertThatThrownBy(() -> launcher.launch(Kernel.ADD, 200, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("ADD as 1 kernels");
    assertThat(cuda.launches).isEmpty();
  }

  @Test
  void aCaptureEndsAlsoIfTheGraphFails() {
    int[] runs = {0};
    CudaLauncher launcher =
        launcher(
            kernel -> {
              if (++runs[0] > 1) {
                throw new IllegalStateException("lost");
              }
              lanes.told(place);
            });
    assertThatThrownBy(() -> launcher.launch(Kernel.ADD, 200, 1)).hasMessage("lost");
    assertThat(cuda.calls).endsWith("end of capture", "graph destroyed");
  }
}
