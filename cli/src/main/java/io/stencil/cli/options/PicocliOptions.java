package io.stencil.cli.options;

import io.stencil.cli.models.BaseModelOptions;
import io.stencil.tensor.DType;
import io.stencil.train.options.DeclaredOption;
import io.stencil.train.options.OptionSchema;
import io.stencil.train.options.TrainingOption;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.TypeConversionException;

/// Binds declared options to picocli: adds them to a command, and reads their values after parsing.
public final class PicocliOptions {

    private PicocliOptions() {}

    /// Adds all options of a schema.
    public static void add(CommandSpec command, OptionSchema<?> schema) {
        schema.options().forEach(option -> command.addOption(spec(option)));
    }

    private static OptionSpec spec(DeclaredOption option) {
        TrainingOption declaration = option.declaration();
        OptionSpec.Builder spec = OptionSpec.builder("--" + option.name())
                .description(description(option))
                .hidden(declaration.hidden());
        boolean flag = option.isSwitch() && declaration.byDefault().isEmpty();
        if (!flag) {
            spec.paramLabel(declaration.label()).arity("1");
        }
        if (!declaration.byDefault().isEmpty()) {
            spec.defaultValue(declaration.byDefault());
        }
        if (option.isList()) {
            return spec.type(List.class)
                    .auxiliaryTypes(String.class)
                    .splitRegex(",")
                    .build();
        }
        if (declaration.bytes()) {
            spec.converters(new MemorySize());
        } else if (option.type() == DType.class) {
            spec.converters(new BaseModelOptions.ComputeDtype());
        }
        return spec.type(parsedType(option)).build();
    }

    /// The type that picocli converts to; names of constants and what may come from a hub stay text.
    private static Class<?> parsedType(DeclaredOption option) {
        boolean converted = option.isSwitch()
                || option.isPath()
                || Number.class.isAssignableFrom(option.type())
                || option.type() == DType.class;
        return converted && !option.declaration().hub() ? option.type() : String.class;
    }

    private static String description(DeclaredOption option) {
        TrainingOption declaration = option.declaration();
        String value = declaration.byDefault().isEmpty() ? declaration.unset() : declaration.byDefault();
        return value.isEmpty() ? declaration.help() : declaration.help() + " Default: " + value + ".";
    }

    /// Reads the values of a parsed command by option name; options that are not given and have no default are left
    /// out, and those that may name files at a hub too.
    ///
    /// @throws io.stencil.error.InvalidRequestException for a text that is not one of the known names
    public static Map<String, Object> values(CommandSpec command, OptionSchema<?> schema) {
        Map<String, Object> values = new HashMap<>();
        for (DeclaredOption option : schema.options()) {
            Object parsed = parsed(command, option.name());
            if (parsed != null && !option.declaration().hub()) {
                values.put(option.name(), value(option, parsed));
            }
        }
        return values;
    }

    private static Object value(DeclaredOption option, Object parsed) {
        return switch (parsed) {
            case List<?> texts ->
                option.read(texts.stream().map(String.class::cast).toList());
            case String text -> option.read(List.of(text));
            default -> parsed;
        };
    }

    /// The text of an option that may name files at a hub.
    static @Nullable String text(CommandSpec command, String name) {
        return (String) parsed(command, name);
    }

    static @Nullable Path path(CommandSpec command, String name) {
        return (Path) parsed(command, name);
    }

    private static @Nullable Object parsed(CommandSpec command, String name) {
        return command.findOption("--" + name).getValue();
    }

    /// Reads an amount of memory in bytes: `4GB`, `1.5 GiB`, `500MB`, `4000000000`.
    static final class MemorySize implements ITypeConverter<Long> {

        private static final Pattern FORM = Pattern.compile("(\\d+(?:\\.\\d+)?) *(?:([kmgt])(i?)b|b?)");

        @Override
        public Long convert(String value) {
            Matcher matcher = FORM.matcher(value.strip().toLowerCase(Locale.ROOT));
            if (!matcher.matches()) {
                throw new TypeConversionException(
                        "expected an amount such as 4GB, 1.5GiB or 500MB, found '%s'".formatted(value));
            }
            BigDecimal bytes = new BigDecimal(matcher.group(1)).multiply(unit(matcher.group(2), matcher.group(3)));
            if (bytes.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0) {
                throw new TypeConversionException("'%s' is more than any memory holds".formatted(value));
            }
            return bytes.longValue();
        }

        /// @param prefix null for bytes
        /// @param binary `i` for powers of 1024, else those of 1000
        private static BigDecimal unit(@Nullable String prefix, @Nullable String binary) {
            int power = prefix == null ? 0 : "kmgt".indexOf(prefix) + 1;
            return BigDecimal.valueOf("i".equals(binary) ? 1024 : 1000).pow(power);
        }
    }
}
