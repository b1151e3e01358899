package io.stencil.template.load;

import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.error.TemplateException;
import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.tensor.Device;
import io.stencil.tensor.OwnedTensor;
import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// The modules, parameters and tensors in the fields of an author's objects: a search for what a fault is due to.
///
/// Fields of the author's classes are read, static ones too, and records, collections, maps, arrays and optionals in
/// them.
final class AuthorFields {

    /// A value that a field holds.
    ///
    /// @param path to the author's field, and the place in it: `Net.parts[2]`
    /// @param owner class that declares the author's field; null where the place is in no field of the author
    private record Held(String path, Object value, @Nullable Class<?> owner) {

        /// The line on which the field gets its value.
        Optional<AuthorLine> line() {
            String field = path.substring(path.lastIndexOf('.') + 1).replaceAll("\\[.*", "");
            return owner == null ? Optional.empty() : AuthorBytecode.assignmentOf(owner, field);
        }
    }

    private final List<Held> held = new ArrayList<>();
    private final Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());

    private @Nullable Class<?> owner;

    private AuthorFields() {}

    /// Requires that every module and parameter in a field has its weights by now.
    ///
    /// @param origin file of the code, for messages
    /// @throws TemplateException naming fields whose modules were not registered
    static void requireRegistered(Path origin, Module network) {
        List<Held> missing = unregisteredParts(network);
        if (!missing.isEmpty()) {
            String path = missing.getFirst().path();
            String name =
                    path.substring(path.lastIndexOf('.') + 1).replace('[', '.').replace("]", "");
            boolean one = missing.size() == 1;
            Optional<AuthorLine> line = missing.getFirst().line();
            throw new TemplateException(
                    line.map(found -> found.location(origin)).orElse(Location.of(origin)),
                    "%s not registered, so that %s no weights to load or to train; create %s as %s%s"
                            .formatted(
                                    names(missing) + (one ? " was" : " were"),
                                    one ? "it has" : "they have",
                                    one ? "it" : "them",
                                    missing.getFirst().value() instanceof Parameter
                                            ? "parameter(\"%s\", ...) of the network".formatted(name)
                                            : "module(\"%s\", new %s(...))"
                                                    .formatted(
                                                            name,
                                                            missing.getFirst()
                                                                    .value()
                                                                    .getClass()
                                                                    .getSimpleName()),
                                    line.map(found -> found.addition(origin)).orElse("")),
                    null);
        }
    }

    /// Names the modules without weights that were not registered, as an addition to a message.
    static String unregistered(Module network) {
        return addition(unregisteredParts(network));
    }

    /// Names the fields with freed tensors, as an addition to a message.
    static String freedTensors(Module network) {
        return addition(tensors(network, tensor -> tensor.isNull()));
    }

    /// Names the fields with this tensor, as an addition to a message.
    @SuppressWarnings("ReferenceEquality") // freed tensors are equal to each other
    static String holdersOf(Module network, Tensor tensor) {
        return addition(tensors(network, one -> one == tensor));
    }

    /// Names the fields with tensors that an operation on trained values made, as an addition to a message.
    static String graphTensors(Module network) {
        return addition(tensors(
                network,
                tensor -> !tensor.isNull() && tensor.defined() && tensor.requires_grad() && !tensor.is_leaf()));
    }

    private static List<Held> unregisteredParts(Module network) {
        Set<Parameter> registered = Collections.newSetFromMap(new IdentityHashMap<>());
        registered.addAll(network.state().values());
        List<Held> found = of(network).stream()
                .filter(one -> parameters(one.value())
                        .anyMatch(parameter -> !registered.contains(parameter)
                                && parameter.device().kind() == Device.Kind.META))
                .toList();
        return found.stream()
                .filter(one -> found.stream().noneMatch(outer -> one.path().startsWith(outer.path() + ".")))
                .toList();
    }

    private static Stream<Parameter> parameters(Object value) {
        return switch (value) {
            case Module module -> module.state().values().stream();
            case Parameter parameter -> Stream.of(parameter);
            default -> Stream.empty();
        };
    }

    private static List<Held> tensors(Module network, Predicate<Tensor> wanted) {
        return of(network).stream()
                .filter(one -> one.value() instanceof Tensor tensor && wanted.test(tensor))
                .toList();
    }

    private static String addition(List<Held> found) {
        return found.isEmpty() ? "" : "; look at " + names(found);
    }

    private static String names(List<Held> found) {
        List<String> paths = found.stream().map(Held::path).distinct().toList();
        return (paths.size() == 1 ? "field " : "fields ") + NameList.of(paths);
    }

    private static List<Held> of(Module network) {
        AuthorFields fields = new AuthorFields();
        fields.visitFields(network.getClass().getSimpleName(), network);
        Class<?> host = network.getClass().getNestHost();
        fields.visitFields(host.getSimpleName(), host, null);
        return fields.held;
    }

    private void visitFields(String path, Object object) {
        if (seen.add(object)) {
            for (Class<?> type = object.getClass(); type != null && isRead(type); type = type.getSuperclass()) {
                visitFields(path, type, object);
            }
        }
    }

    private static boolean isRead(Class<?> type) {
        return type.isRecord() || AuthorLine.isAuthors(type);
    }

    /// @param object null for the static fields alone
    private void visitFields(String path, Class<?> type, @Nullable Object object) {
        for (Field field : isRead(type) ? type.getDeclaredFields() : new Field[0]) {
            boolean isStatic = Modifier.isStatic(field.getModifiers());
            if (!field.getType().isPrimitive() && (isStatic || object != null)) {
                boolean isNamed = AuthorLine.isAuthors(type);
                Class<?> outer = owner;
                owner = isNamed ? type : outer;
                visit(isNamed ? path + "." + field.getName() : path, value(field, object));
                owner = outer;
            }
        }
    }

    private static @Nullable Object value(Field field, @Nullable Object object) {
        try {
            field.setAccessible(true);
            return field.get(object);
        } catch (IllegalAccessException | InaccessibleObjectException e) {
            return null; // of a module that does not open its package: none of the author's
        }
    }

    private void visit(String path, @Nullable Object value) {
        switch (value) {
            case null -> {}
            case Tensor tensor -> held.add(new Held(path, tensor, owner));
            case OwnedTensor owned -> owned.find().ifPresent(tensor -> held.add(new Held(path, tensor, owner)));
            case Module module -> {
                held.add(new Held(path, module, owner));
                visitFields(path, module);
            }
            case Parameter parameter -> held.add(new Held(path, parameter, owner));
            case Optional<?> optional -> visit(path, optional.orElse(null));
            case Map<?, ?> map -> {
                if (seen.add(map)) {
                    map.forEach((key, one) -> visit(key instanceof String ? "%s[%s]".formatted(path, key) : path, one));
                }
            }
            case Collection<?> collection -> {
                if (seen.add(collection)) {
                    int index = 0;
                    for (Object one : collection) {
                        visit("%s[%s]".formatted(path, index++), one);
                    }
                }
            }
            case Object[] array -> {
                if (seen.add(array)) {
                    for (int i = 0; i < Array.getLength(array); i++) {
                        visit("%s[%s]".formatted(path, i), array[i]);
                    }
                }
            }
            default -> visitFields(path, value);
        }
    }
}
