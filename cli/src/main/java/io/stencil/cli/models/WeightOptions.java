package io.stencil.cli.models;

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

/// How the weights of frozen models rest: in float8, or in their files.
public final class WeightOptions {

    private static final String FLOAT8 = "fp8_models";
    private static final String OFFLOAD = "offload_models";

    @Option(
            names = "--fp8_models",
            paramLabel = "NAMES",
            description =
                    "Frozen models that are kept in float8, in half the memory of bfloat16: transformer (or dit), "
                            + "text_encoder, vae; or entries of --model_paths or --model_id_with_origin_paths as they stand there.")
    private List<String> float8 = List.of();

    @Option(
            names = "--offload_models",
            paramLabel = "NAMES",
            description =
                    "Frozen models, named in the same way, of whose weights none stay in memory: each layer takes "
                            + "its own from the file when it is used.")
    private List<String> offload = List.of();

    /// The options of loading as far as they follow from the names alone.
    ///
    /// @param base names the files of the model
    /// @throws InvalidRequestException for a name that is none of a model, and for a model that both options name
    public LoadOptions applyNames(LoadOptions load, BaseModelOptions base) {
        return load.withFloat8(known(FLOAT8, float8, base)).withOffload(known(OFFLOAD, offload, base));
    }

    /// The options of loading with the models that are named.
    ///
    /// @param base names the files of the model
    /// @param files of the model
    /// @throws InvalidRequestException for a name that is none of a model, for a model that has no files, and for
    ///     one that both options name
    public LoadOptions apply(LoadOptions load, BaseModelOptions base, ModelFiles files, RemoteModels remote) {
        return load.withFloat8(loaded(FLOAT8, float8, base, files, remote))
                .withOffload(loaded(OFFLOAD, offload, base, files, remote));
    }

    private static Set<ModelRole> known(String option, List<String> names, BaseModelOptions base) {
        Set<ModelRole> chosen = EnumSet.noneOf(ModelRole.class);
        for (String name : split(option, names)) {
            ModelRole.named(name).ifPresentOrElse(chosen::add, () -> requireEntry(option, name, base));
        }
        return chosen;
    }

    private static Set<ModelRole> loaded(
            String option, List<String> names, BaseModelOptions base, ModelFiles files, RemoteModels remote) {
        Set<ModelRole> chosen = EnumSet.noneOf(ModelRole.class);
        for (String name : split(option, names)) {
            Set<ModelRole> named = roles(option, name, base, remote);
            if (!files.roles().containsAll(named)) {
                throw new InvalidRequestException(
                        option, "'%s' is none of the models that --model_paths names".formatted(name));
            }
            chosen.addAll(named);
        }
        return chosen;
    }

    private static List<String> split(String option, List<String> names) {
        return names.isEmpty() ? List.of() : OriginPath.split(option, String.join(",", names));
    }

    private static Set<ModelRole> roles(String option, String name, BaseModelOptions base, RemoteModels remote) {
        Optional<ModelRole> role = ModelRole.named(name);
        if (role.isPresent()) {
            return EnumSet.of(role.get());
        }
        requireEntry(option, name, base);
        return base.entry(name, remote).roles();
    }

    private static void requireEntry(String option, String name, BaseModelOptions base) {
        List<String> entries = base.entries();
        if (!entries.contains(name)) {
            List<String> valid = new ArrayList<>(
                    Stream.of(ModelRole.values()).map(ModelRole::label).toList());
            valid.addAll(entries);
            throw new InvalidRequestException(
                    option, "'%s' is not a model; expected one of %s".formatted(name, NameList.of(valid)));
        }
    }
}
