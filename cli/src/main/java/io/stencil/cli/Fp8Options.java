package io.stencil.cli;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.NameList;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.unit.ModelRole;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/// Which models rest in float8.
final class Fp8Options {

    private static final String OPTION = "fp8_models";

    @Option(
            names = "--fp8_models",
            paramLabel = "NAMES",
            description = "Frozen models that are kept in float8, in half the memory of bfloat16: transformer (or dit), "
                    + "text_encoder, vae; or entries of --model_paths or --model_id_with_origin_paths as they stand there.")
    private List<String> names = List.of();

    /// The options of loading as far as they follow from the names alone.
    ///
    /// @param base names the files of the model
    /// @throws InvalidRequestException for a name that is none of a model
    LoadOptions applyNames(LoadOptions load, BaseModelOptions base) {
        Set<ModelRole> chosen = EnumSet.noneOf(ModelRole.class);
        for (String name : names()) {
            ModelRole.named(name).ifPresentOrElse(chosen::add, () -> requireEntry(name, base));
        }
        return load.withFloat8(chosen);
    }

    /// The options of loading with the models that are named.
    ///
    /// @param base names the files of the model
    /// @param files of the model
    /// @throws InvalidRequestException for a name that is none of a model, and for a model that has no files
    LoadOptions apply(LoadOptions load, BaseModelOptions base, ModelFiles files, RemoteModels remote) {
        if (names.isEmpty()) {
            return load;
        }
        Set<ModelRole> loaded = files.roles();
        Set<ModelRole> chosen = EnumSet.noneOf(ModelRole.class);
        for (String name : names()) {
            Set<ModelRole> named = roles(name, base, remote);
            if (!loaded.containsAll(named)) {
                throw new InvalidRequestException(
                        OPTION, "'%s' is none of the models that --model_paths names".formatted(name));
            }
            chosen.addAll(named);
        }
        return load.withFloat8(chosen);
    }

    private List<String> names() {
        return names.isEmpty() ? List.of() : OriginPath.split(OPTION, String.join(",", names));
    }

    private static Set<ModelRole> roles(String name, BaseModelOptions base, RemoteModels remote) {
        Optional<ModelRole> role = ModelRole.named(name);
        if (role.isPresent()) {
            return EnumSet.of(role.get());
        }
        requireEntry(name, base);
        return base.entry(name, remote).roles();
    }

    private static void requireEntry(String name, BaseModelOptions base) {
        List<String> entries = base.entries();
        if (!entries.contains(name)) {
            List<String> valid = new ArrayList<>(
                    Stream.of(ModelRole.values()).map(ModelRole::label).toList());
            valid.addAll(entries);
            throw new InvalidRequestException(
                    OPTION, "'%s' is no model; expected one of %s".formatted(name, NameList.of(valid)));
        }
    }
}
