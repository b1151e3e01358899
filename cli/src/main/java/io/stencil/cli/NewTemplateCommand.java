package io.stencil.cli;

import io.stencil.files.StencilVersion;
import io.stencil.template.publish.TemplateFamily;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `stencil new-template`: a folder to begin from.
@Command(name = "new-template", description = "Write the folder of a new Template, which compiles and trains.")
@SuppressWarnings("NullAway.Init") // fields are set by picocli before a command runs
final class NewTemplateCommand implements Callable<Integer> {

    @Parameters(paramLabel = "NAME", description = "The folder that is made.")
    private Path folder;

    @Option(
            names = "--family",
            paramLabel = "FAMILY",
            description = "value, image-kv, lora or text. Default: ${DEFAULT-VALUE}.")
    private String family = "value";

    @Spec
    private CommandSpec command;

    @Override
    public Integer call() {
        TemplateFamily chosen = TemplateFamily.parse(family);
        OutputCheck.requireFolder("NAME", folder);
        chosen.write(folder, StencilVersion.number());
        command.commandLine().getOut().println("wrote %s; its README.md has the next steps".formatted(folder));
        return 0;
    }
}
