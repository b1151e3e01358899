package io.stencil.template.load;

import io.stencil.error.Location;
import io.stencil.error.TemplateException;
import io.stencil.template.Template;
import io.stencil.template.author.AuthorCode;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// The class `Model` of a Template: an instance of it, and the two records that it names as type arguments.
record EntryClass(Template<?, ?> instance, Class<? extends Record> input, Class<? extends Record> processed) {

    private static final String NAME = "Model";

    /// @throws TemplateException naming the part of the contract that is missing or wrong
    static EntryClass find(Path origin, ClassLoader loader) {
        Class<?> type = load(origin, loader);
        if (!Template.class.isAssignableFrom(type)) {
            throw new TemplateException(origin, "class Model must implement io.stencil.template.Template<I, P>");
        }
        Type[] records = contract(origin, type).getActualTypeArguments();
        return new EntryClass(
                instance(origin, type),
                record(origin, records[0], "the inputs"),
                record(origin, records[1], "the processed inputs"));
    }

    private static Class<?> load(Path origin, ClassLoader loader) {
        try {
            Class<?> type = loader.loadClass(NAME);
            if (loader.equals(type.getClassLoader())) {
                return type;
            }
        } catch (ClassNotFoundException e) {
            throw absent(origin, e);
        }
        throw absent(origin, null);
    }

    private static TemplateException absent(Path origin, @Nullable Exception cause) {
        return new TemplateException(
                Location.of(origin),
                "declares no class Model in the default package; the entry point is"
                        + " 'public final class Model implements Template<...>'",
                cause);
    }

    private static ParameterizedType contract(Path origin, Class<?> type) {
        for (Type implemented : type.getGenericInterfaces()) {
            if (implemented instanceof ParameterizedType generic && generic.getRawType() == Template.class) {
                return generic;
            }
        }
        throw new TemplateException(
                origin, "class Model must itself declare 'implements Template<INPUT, PROCESSED>' with two records");
    }

    private static Class<? extends Record> record(Path origin, Type type, String what) {
        if (type instanceof Class<?> plain && plain.isRecord()) {
            return plain.asSubclass(Record.class);
        }
        throw new TemplateException(
                origin,
                "%s of Template<INPUT, PROCESSED> must be a record, found %s".formatted(what, type.getTypeName()));
    }

    private static Template<?, ?> instance(Path origin, Class<?> type) {
        if (!Modifier.isPublic(type.getModifiers()) || Modifier.isAbstract(type.getModifiers())) {
            throw new TemplateException(origin, "class Model must be public and not abstract");
        }
        try {
            return (Template<?, ?>) type.getConstructor().newInstance();
        } catch (NoSuchMethodException e) {
            throw new TemplateException(
                    Location.of(origin), "class Model must have a public constructor without parameters", e);
        } catch (InvocationTargetException e) {
            throw new AuthorCode(origin).fault("the constructor of Model", e.getTargetException());
        } catch (ReflectiveOperationException | LinkageError e) {
            throw new AuthorCode(origin).fault("the constructor of Model", e);
        }
    }
}
