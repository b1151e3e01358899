package io.stencil.cli;

import io.stencil.cli.models.HubModels;
import io.stencil.cli.models.HubOptions;
import io.stencil.cli.terminal.TerminalWriter;
import io.stencil.hub.provider.HubReference;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `stencil fetch`: brings files of a hub to this machine, to be there when they are needed.
@Command(name = "fetch", description = "Fetch models or files of them from a hub, and print where they lie.")
@SuppressWarnings("NullAway.Init") // fields are set by picocli before a command runs
final class FetchCommand implements Callable<Integer> {

    @Parameters(arity = "1..*", paramLabel = "ID:PATTERN", description = "Also ID@REVISION:PATTERN; ID: means all.")
    private List<String> references;

    @Mixin
    private HubOptions hub;

    @Spec
    private CommandSpec command;

    @Override
    public Integer call() {
        PrintWriter out = command.commandLine().getOut();
        List<HubReference> parsed = references.stream()
                .map(text -> HubReference.parse("ID:PATTERN", text))
                .toList();
        try (HubModels models = hub.open()) {
            parsed.forEach(
                    reference -> models.fetch(reference).files().forEach(file -> TerminalWriter.printPath(out, file)));
        }
        out.flush();
        return 0;
    }
}
