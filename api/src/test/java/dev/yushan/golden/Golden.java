package dev.yushan.golden;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/// The golden reference values (see `golden/README.md`), for the tests of every module.
///
/// Reads its files with a few lines of its own rather than with the library, so that a defect of
/// the safetensors reader cannot hide itself. Works from a directory of classes and from the
/// test-jar, whose resources are unpacked once per JVM.
public final class Golden {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Map<String, Archive> OPENED = new ConcurrentHashMap<>();

  private record Archive(JsonNode header, ByteBuffer data) {}

  /// Loads on first use: the directory that holds the golden files.
  private static final class Root {
    static final Path PATH = locate();
  }

  private Golden() {}

  /// The path of a golden file or directory, for example `tiny-llama-a`, or of one elsewhere by its
  /// absolute path. Not to be written to.
  public static Path path(String name) {
    Path path = Root.PATH.resolve(name);
    if (!Files.exists(path)) {
      throw new IllegalArgumentException("no golden file " + name + " in " + Root.PATH);
    }
    return path;
  }

  /// A golden JSON file as a tree, for example `manifest.json`.
  public static JsonNode json(String name) {
    try {
      return JSON.readTree(path(name).toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Names of the tensors of a golden safetensors file, in the order of its header.
  public static List<String> names(String file) {
    List<String> names = new ArrayList<>();
    archive(file).header().fieldNames().forEachRemaining(names::add);
    names.remove("__metadata__");
    return names;
  }

  /// Dimensions of a tensor; empty for a scalar.
  public static long[] shape(String file, String tensor) {
    JsonNode shape = entry(archive(file), file, tensor).get("shape");
    long[] dims = new long[shape.size()];
    for (int i = 0; i < dims.length; i++) {
      dims[i] = shape.get(i).asLong();
    }
    return dims;
  }

  /// All elements of an F32, F16, BF16 or F64 tensor, row-major, F64 rounded to float.
  public static float[] floats(String file, String tensor) {
    double[] wide = doubles(file, tensor);
    float[] values = new float[wide.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) wide[i];
    }
    return values;
  }

  /// All elements of an F32, F16, BF16 or F64 tensor, row-major.
  public static double[] doubles(String file, String tensor) {
    String dtype = dtype(file, tensor);
    ByteBuffer bytes = bytes(file, tensor);
    double[] values = new double[bytes.remaining() / width(dtype)];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (dtype) {
            case "F64" -> bytes.getDouble();
            case "F32" -> bytes.getFloat();
            case "F16" -> Float.float16ToFloat(bytes.getShort());
            case "BF16" -> Float.intBitsToFloat(bytes.getShort() << 16);
            default -> throw notOf(file, tensor, dtype, "real numbers");
          };
    }
    return values;
  }

  /// The only element of a real tensor, for example `loss`.
  public static double scalar(String file, String tensor) {
    double[] values = doubles(file, tensor);
    if (values.length != 1) {
      throw new IllegalArgumentException(
          file + ": " + tensor + " has " + values.length + " values");
    }
    return values[0];
  }

  /// All elements of an integer tensor, row-major.
  public static long[] longs(String file, String tensor) {
    String dtype = dtype(file, tensor);
    ByteBuffer bytes = bytes(file, tensor);
    long[] values = new long[bytes.remaining() / width(dtype)];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (dtype) {
            case "I64" -> bytes.getLong();
            case "I32" -> bytes.getInt();
            case "U8", "BOOL" -> bytes.get() & 0xff;
            default -> throw notOf(file, tensor, dtype, "integers");
          };
    }
    return values;
  }

  /// All elements of an integer tensor, row-major; none may exceed an int.
  public static int[] ints(String file, String tensor) {
    long[] wide = longs(file, tensor);
    int[] values = new int[wide.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = Math.toIntExact(wide[i]);
    }
    return values;
  }

  /// The safetensors name of a tensor's element type, for example `BF16`.
  public static String dtype(String file, String tensor) {
    return entry(archive(file), file, tensor).get("dtype").asText();
  }

  /// The bytes of a tensor, little-endian, from position 0.
  public static ByteBuffer bytes(String file, String tensor) {
    Archive archive = archive(file);
    JsonNode offsets = entry(archive, file, tensor).get("data_offsets");
    int from = offsets.get(0).asInt();
    return archive.data().slice(from, offsets.get(1).asInt() - from).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static Archive archive(String file) {
    return OPENED.computeIfAbsent(
        file,
        name -> {
          try {
            byte[] all = Files.readAllBytes(path(name));
            ByteBuffer buffer = ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN);
            int length = Math.toIntExact(buffer.getLong());
            JsonNode header = JSON.readTree(all, Long.BYTES, length);
            int start = Long.BYTES + length;
            return new Archive(header, buffer.slice(start, all.length - start).asReadOnlyBuffer());
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  private static JsonNode entry(Archive archive, String file, String tensor) {
    JsonNode entry = archive.header().get(tensor);
    if (entry == null) {
      throw new IllegalArgumentException(
          "golden file %s has no tensor %s; it has %s".formatted(file, tensor, names(file)));
    }
    return entry;
  }

  private static int width(String dtype) {
    return switch (dtype) {
      case "F64", "I64" -> 8;
      case "F32", "I32" -> 4;
      case "F16", "BF16" -> 2;
      default -> 1;
    };
  }

  private static IllegalArgumentException notOf(
      String file, String tensor, String dtype, String wanted) {
    return new IllegalArgumentException(
        "%s: %s is %s, not %s".formatted(file, tensor, dtype, wanted));
  }

  private static Path locate() {
    try {
      URI readme = Golden.class.getResource("/golden/README.md").toURI();
      if (readme.getScheme().equals("file")) {
        return Path.of(readme).getParent();
      }
      Path target = Files.createTempDirectory("yushan-golden");
      Runtime.getRuntime().addShutdownHook(new Thread(() -> deleteTree(target)));
      try (FileSystem jar = FileSystems.newFileSystem(readme, Map.of())) {
        copyTree(jar.getPath("/golden"), target);
      }
      return target;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void copyTree(Path source, Path target) throws IOException {
    try (Stream<Path> paths = Files.walk(source)) {
      for (Iterator<Path> it = paths.iterator(); it.hasNext(); ) {
        Path path = it.next();
        Path copy = target.resolve(source.relativize(path).toString());
        if (Files.isDirectory(path)) {
          Files.createDirectories(copy);
        } else {
          Files.copy(path, copy);
        }
      }
    }
  }

  private static void deleteTree(Path root) {
    try (Stream<Path> paths = Files.walk(root)) {
      paths.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
    } catch (IOException e) {
      System.err.println("could not delete " + root + ": " + e.getMessage());
    }
  }
}
