package dev.yushan.cli;

import com.sun.source.tree.BinaryTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.ExpressionTree;
import com.sun.source.tree.LiteralTree;
import com.sun.source.tree.MemberSelectTree;
import com.sun.source.tree.MethodInvocationTree;
import com.sun.source.tree.NewClassTree;
import com.sun.source.tree.ParenthesizedTree;
import com.sun.source.tree.Tree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreeScanner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/// A message as the sources have it, `…` standing for what is no literal.
///
/// @param file the name of the source
/// @param made the type or method that is given it
record SourceMessage(String file, String made, String text) {

  /// The messages of a directory.
  ///
  /// @param forms types and methods that are given the parts of a message as their arguments; each
  ///   with the format that puts them together
  static List<SourceMessage> in(Path directory, Map<String, String> forms) {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    List<SourceMessage> found = new ArrayList<>();
    try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null);
        Stream<Path> walk = Files.walk(directory)) {
      List<Path> sources = walk.filter(file -> file.toString().endsWith(".java")).toList();
      JavacTask task =
          (JavacTask)
              compiler.getTask(
                  null, files, null, null, null, files.getJavaFileObjectsFromPaths(sources));
      for (CompilationUnitTree unit : task.parse()) {
        String name = Path.of(unit.getSourceFile().toUri()).getFileName().toString();
        new Scanner(name, forms, found).scan(unit, null);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return found;
  }

  /// Whether anything in it is the same each time.
  boolean hasWords() {
    return text.matches(".*\\p{L}{2}.*");
  }

  private static final class Scanner extends TreeScanner<Void, Void> {
    private final String file;
    private final Map<String, String> forms;
    private final List<SourceMessage> found;

    Scanner(String file, Map<String, String> forms, List<SourceMessage> found) {
      this.file = file;
      this.forms = forms;
      this.found = found;
    }

    @Override
    public Void visitNewClass(NewClassTree made, Void none) {
      add(made.getIdentifier().toString(), made.getArguments());
      return super.visitNewClass(made, none);
    }

    @Override
    public Void visitMethodInvocation(MethodInvocationTree call, Void none) {
      add(lastName(call.getMethodSelect()), call.getArguments());
      return super.visitMethodInvocation(call, none);
    }

    private void add(String name, List<? extends ExpressionTree> arguments) {
      // without any it only asks for one
      if (forms.containsKey(name) && !arguments.isEmpty()) {
        Object[] parts = arguments.stream().map(Scanner::text).toArray();
        found.add(new SourceMessage(file, name, forms.get(name).formatted(parts)));
      }
    }

    private static String text(Tree expression) {
      return switch (expression) {
        case LiteralTree literal when literal.getValue() instanceof String text ->
            text.replaceAll("%[,.\\d]*[sdfg]|\\{}", "…").replace("%n", " ");
        case BinaryTree sum when sum.getKind() == Tree.Kind.PLUS ->
            text(sum.getLeftOperand()) + text(sum.getRightOperand());
        case ParenthesizedTree inner -> text(inner.getExpression());
        case MethodInvocationTree call when lastName(call.getMethodSelect()).equals("formatted") ->
            text(((MemberSelectTree) call.getMethodSelect()).getExpression());
        default -> "…";
      };
    }

    private static String lastName(ExpressionTree method) {
      return method instanceof MemberSelectTree member
          ? member.getIdentifier().toString()
          : method.toString();
    }
  }
}
