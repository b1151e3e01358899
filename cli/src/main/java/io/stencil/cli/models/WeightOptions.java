package io.stencil.cli.models;

import io.stencil.cli.models.BaseModelOptions.BaseModel;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.NameList;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.unit.ModelRole;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/// Options that keep weights of frozen models in float8, or in their files.
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

    /// Applies the options.
    ///
    /// @param model of which files that have to be fetched may be missing
    /// @throws InvalidRequestException for a name that is none of a model, for a model without files, and for one that
    ///     both options name
    public LoadOptions apply(LoadOptions load, BaseModel model) {
        return load.withFloat8(roles(FLOAT8, float8, model)).withOffload(roles(OFFLOAD, offload, model));
    }

    /// @throws InvalidRequestException when an option is given, though the base model is not named
    public void requireUnused() {
        if (!float8.isEmpty() || !offload.isEmpty()) {
            throw new InvalidRequestException(
                    float8.isEmpty() ? OFFLOAD : FLOAT8,
                    "needs --model_paths: weights rest so when they come from files");
        }
    }

    /// Describes the options, such as `, in float8 transformer`.
    @Override
    public String toString() {
        return list(", in float8 ", float8) + list(", offloaded ", offload);
    }

    private static String list(String before, List<String> names) {
        return names.isEmpty() ? "" : before + String.join(" and ", names);
    }

    private static Set<ModelRole> roles(String option, List<String> names, BaseModel model) {
        Set<ModelRole> chosen = EnumSet.noneOf(ModelRole.class);
        for (String name : names.isEmpty() ? names : BaseModelOptions.split(option, names)) {
            Set<ModelRole> named = ModelRole.named(name)
                    .<Set<ModelRole>>map(EnumSet::of)
                    .orElseGet(() -> entry(option, name, model).roles());
            if (model.isWhole() && !model.files().roles().containsAll(named)) {
                throw new InvalidRequestException(
                        option, "'%s' is none of the models that --model_paths names".formatted(name));
            }
            chosen.addAll(named);
        }
        return chosen;
    }

    private static ModelFiles entry(String option, String name, BaseModel model) {
        ModelFiles entry = model.entries().get(name);
        if (entry == null) {
            List<String> valid = Stream.concat(
                            Stream.of(ModelRole.values()).map(ModelRole::label), model.entries().keySet().stream())
                    .toList();
            throw new InvalidRequestException(
                    option, "'%s' is not a model; expected one of %s".formatted(name, NameList.of(valid)));
        }
        return entry;
    }
}
