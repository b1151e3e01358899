package io.stencil.cli;

import io.stencil.cli.models.HubModels;
import io.stencil.cli.models.HubOptions;
import io.stencil.hub.ModelSource;
import io.stencil.hub.ModelSource.Located;
import io.stencil.safetensors.TensorEntry;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `stencil inspect`: describes files without loading them.
@Command(name = "inspect", description = "Describe a file or folder: kind, parameters, dtypes, size, key hash.")
@SuppressWarnings("NullAway.Init") // fields are set by picocli before a command runs
final class InspectCommand implements Callable<Integer> {

    @Parameters(
            paramLabel = "FILE_OR_DIR|ID:PATTERN",
            description = "Weights, a Template, a training, a whole model, or an image; also of a hub.")
    private String named;

    @Mixin
    private HubOptions hub;

    @Option(
            names = "--keys",
            description =
                    "List every tensor with its dtype and shape, and its name in diffusers, where that is another.")
    private boolean keys;

    @Spec
    private CommandSpec command;

    @Override
    public Integer call() {
        PrintWriter out = command.commandLine().getOut();
        for (Inspector.Finding finding : findings()) {
            out.println(finding.place() + ": " + finding.kind());
            finding.facts().forEach(fact -> out.println("  %-12s %s".formatted(fact.name(), fact.value())));
            if (keys) {
                list(out, finding);
            }
        }
        out.flush();
        return 0;
    }

    private List<Inspector.Finding> findings() {
        try (HubModels remote = hub.open()) {
            Located located = ModelSource.parse("FILE_OR_DIR", named).resolve(remote);
            List<Path> files = located.pattern().isEmpty() ? List.of(located.root()) : located.files();
            return files.stream()
                    .flatMap(file -> Inspector.inspect(file, remote.trusted(located.snapshot(), file)).stream())
                    .toList();
        }
    }

    private static void list(PrintWriter out, Inspector.Finding finding) {
        finding.tensors().stream()
                .sorted(Comparator.comparing(TensorEntry::name))
                .forEach(tensor -> {
                    List<String> names = finding.names().getOrDefault(tensor.name(), List.of());
                    out.println("  %-7s %s %s%s"
                            .formatted(
                                    tensor.dtype(),
                                    tensor.name(),
                                    tensor.shape(),
                                    names.isEmpty() ? "" : " = " + String.join(", ", names)));
                });
    }
}
