package io.stencil.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.cli.models.HubModels;
import io.stencil.cli.models.HubOptions;
import io.stencil.cli.models.TemplateOptions;
import io.stencil.cli.options.DatasetOptions;
import io.stencil.cli.terminal.ProgressLine;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.NameList;
import io.stencil.template.load.InputBinder;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.Dataset.BadRow;
import io.stencil.train.data.RowScan;
import io.stencil.train.encodings.CacheFolder;
import io.stencil.train.options.DataOptions;
import io.stencil.train.options.Task;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `stencil dataset check`: reads every row of a dataset as a training reads it, and reports all that cannot be read.
@Command(
        name = "check",
        description =
                "Read every row of a dataset as a training does, decode all images, bind Template inputs, and report "
                        + "all rows that cannot be used.",
        modelTransformer = DatasetOptions.Model.class)
@SuppressWarnings("NullAway.Init") // fields are set by picocli before a command runs
final class DatasetCheckCommand implements Callable<Integer> {

    private static final List<String> METADATA = List.of("metadata.jsonl", "metadata.json", "metadata.csv");

    @Parameters(
            arity = "0..1",
            paramLabel = "DIR",
            description = "Folder with metadata.jsonl, .json or .csv, in place of --dataset_metadata_path.")
    private @Nullable Path folder;

    @Option(
            names = "--template_model_id_or_path",
            paramLabel = "DIR|ID:",
            description = "Bind template_inputs to this Template, by its data processor where it has one.")
    private @Nullable String template;

    @Mixin
    private HubOptions hub;

    @Spec
    private CommandSpec command;

    @Override
    public Integer call() {
        DatasetOptions dataset = new DatasetOptions(command);
        Path metadata = folder == null ? dataset.metadata(Task.SFT) : metadata(folder);
        DataOptions options = dataset.data(metadata, template != null);
        if (template != null) {
            TemplateOptions.checkLocal(template);
        }
        Dataset read = Dataset.readAll(options);
        try (HubModels remote = hub.open()) {
            InputBinder<?> binder = template == null
                    ? null
                    : TemplateOptions.resolve(template, remote).rowBinder();
            return report(read, new RowScan(read, binder == null ? null : binding(binder), threads(options)));
        }
    }

    private static Dataset.RowBinding binding(InputBinder<?> binder) {
        return (ObjectNode inputs, Path base) -> {
            var _ = binder.bind(inputs, base);
        };
    }

    private static int threads(DataOptions options) {
        return Math.max(options.workers(), 1);
    }

    private int report(Dataset read, RowScan scan) {
        PrintWriter out = command.commandLine().getOut();
        List<BadRow> found;
        try (ProgressLine line = ProgressLine.on(command.commandLine().getErr())) {
            found = scan.run(
                    _ -> true,
                    done -> line.show("row %s/%s".formatted(done, read.rows().size())));
            line.end();
        }
        List<BadRow> bad = Stream.concat(read.bad().stream(), found.stream())
                .sorted(Comparator.comparingInt(BadRow::index))
                .toList();
        bad.forEach(row -> out.println(row.reason()));
        int rows = read.rows().size() + read.bad().size();
        out.println(
                bad.isEmpty()
                        ? "checked %s rows, all can be used".formatted(rows)
                        : "checked %s rows, %s cannot be used".formatted(rows, bad.size()));
        out.flush();
        return bad.isEmpty() ? 0 : 1;
    }

    private Path metadata(Path in) {
        if (new DatasetOptions(command).namesMetadata()) {
            throw new InvalidRequestException(
                    "dataset_metadata_path", "is given, and the folder '%s' too; give one of them".formatted(in));
        }
        if (CacheFolder.isCache(in)) {
            throw new InvalidRequestException(
                    "DIR",
                    "'%s' holds encoded samples, which 'stencil inspect' describes; give the dataset".formatted(in));
        }
        List<String> found = METADATA.stream()
                .filter(name -> Files.isRegularFile(in.resolve(name)))
                .toList();
        if (found.size() != 1) {
            throw new InvalidRequestException(
                    "DIR",
                    "'%s' must hold one of metadata.jsonl, metadata.json and metadata.csv, found %s; or give --dataset_metadata_path"
                            .formatted(in, NameList.of(found)));
        }
        return in.resolve(found.getFirst());
    }
}
