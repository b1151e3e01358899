package io.stencil.cli;

import io.stencil.cli.models.BaseModelOptions;
import io.stencil.lab.world.WorldTokenizer;
import io.stencil.tensor.DType;
import io.stencil.train.ModelInitialisation;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `stencil init`: makes a base model with random weights, to train from nothing.
@Command(name = "init", description = "Make a base model with random weights from its config.json files.")
@SuppressWarnings("NullAway.Init") // fields are set by picocli before a command runs
final class InitCommand implements Callable<Integer> {

    @Option(
            names = "--config_path",
            paramLabel = "DIR",
            required = true,
            description = "Folder in Hugging Face layout; weights in it are not read.")
    private Path configs;

    @Option(
            names = "--output_path",
            paramLabel = "DIR",
            required = true,
            description = "Gets the whole model; must be absent or empty.")
    private Path output;

    @Option(names = "--seed", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Option(
            names = "--save_dtype",
            paramLabel = "float32|bfloat16",
            converter = BaseModelOptions.ComputeDtype.class,
            description = "Of the weights. Default: float32.")
    private DType saveDtype = DType.FLOAT32;

    @Option(
            names = "--small_world_tokenizer",
            description = "Make the tokenizer of what 'stencil dataset' paints, in place of a copied one.")
    private boolean worldTokenizer;

    @Spec
    private CommandSpec command;

    @Override
    public Integer call() {
        OutputCheck.requireFolder("output_path", output);
        List<String> parts = new ModelInitialisation(seed, saveDtype)
                .write(configs, output, worldTokenizer ? WorldTokenizer.json() : null);
        command.commandLine().getOut().println("wrote %s to %s".formatted(String.join(", ", parts), output));
        return 0;
    }
}
