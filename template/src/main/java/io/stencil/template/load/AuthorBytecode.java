package io.stencil.template.load;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeElement;
import java.lang.classfile.MethodModel;
import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.LineNumber;
import java.lang.classfile.instruction.ReturnInstruction;
import java.lang.reflect.AccessFlag;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;

/// Finds lines of a Template's code that no stack trace names, in the line tables of its compiled classes: of a fault
/// that shows after the code has run.
final class AuthorBytecode {

    private AuthorBytecode() {}

    /// The line on which a method returns; its first line where it returns on several.
    ///
    /// @param type of an object of the author; the method may be inherited from another class of the author
    static Optional<AuthorLine> returnOf(Class<?> type, String method) {
        return inHierarchy(type, model -> {
            for (MethodModel found : model.methods()) {
                if (found.methodName().equalsString(method) && !found.flags().has(AccessFlag.BRIDGE)) {
                    List<Integer> returns = lines(found, ReturnInstruction.class::isInstance);
                    List<Integer> lines = returns.size() == 1 ? returns : lines(found, _ -> true);
                    return lines.stream().findFirst().map(line -> line(model, found, line));
                }
            }
            return Optional.empty();
        });
    }

    /// The line on which a field gets its value.
    static Optional<AuthorLine> assignmentOf(Class<?> type, String field) {
        return inHierarchy(type, model -> {
            for (MethodModel method : model.methods()) {
                List<Integer> lines = lines(
                        method,
                        element -> element instanceof FieldInstruction access
                                && (access.opcode() == Opcode.PUTFIELD || access.opcode() == Opcode.PUTSTATIC)
                                && access.name().equalsString(field));
                if (!lines.isEmpty()) {
                    return Optional.of(line(model, method, lines.getFirst()));
                }
            }
            return Optional.empty();
        });
    }

    private static Optional<AuthorLine> inHierarchy(Class<?> type, Function<ClassModel, Optional<AuthorLine>> search) {
        for (Class<?> one = type; one != null && AuthorLine.isAuthors(one); one = one.getSuperclass()) {
            Optional<AuthorLine> found = search.apply(parse(one));
            if (found.isPresent()) {
                return found;
            }
        }
        return Optional.empty();
    }

    private static ClassModel parse(Class<?> type) {
        String name = type.getName().replace('.', '/') + ".class";
        try (InputStream bytes = Objects.requireNonNull(type.getClassLoader().getResourceAsStream(name), name)) {
            return ClassFile.of().parse(bytes.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(name, e);
        }
    }

    private static List<Integer> lines(MethodModel method, Predicate<CodeElement> wanted) {
        List<Integer> lines = new ArrayList<>();
        method.code().ifPresent(code -> {
            int line = 0;
            for (CodeElement element : code) {
                if (element instanceof LineNumber number) {
                    line = number.line();
                } else if (line > 0 && wanted.test(element)) {
                    lines.add(line);
                }
            }
        });
        return lines.stream().distinct().toList();
    }

    private static AuthorLine line(ClassModel model, MethodModel method, int line) {
        String file = model.findAttribute(Attributes.sourceFile())
                .map(attribute -> attribute.sourceFile().stringValue())
                .orElse(null);
        return new AuthorLine(new StackTraceElement(
                AuthorLine.LOADER,
                null,
                null,
                model.thisClass().asInternalName().replace('/', '.'),
                method.methodName().stringValue(),
                file,
                line));
    }
}
