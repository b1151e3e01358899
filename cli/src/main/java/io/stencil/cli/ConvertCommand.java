package io.stencil.cli;

import io.stencil.cli.terminal.ProgressLine;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.IoReason;
import io.stencil.error.Location;
import io.stencil.error.StencilException;
import io.stencil.files.ByteText;
import io.stencil.files.LocalPath;
import io.stencil.flux2.convert.Conversion;
import io.stencil.flux2.convert.ModelTarget;
import io.stencil.flux2.convert.ModelTarget.Dialect;
import io.stencil.flux2.convert.Quantization;
import io.stencil.flux2.files.PartLayout;
import io.stencil.tensor.DType;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/// `stencil convert`: writes weights and LoRAs under the names and in the types of other software.
@Command(
        name = "convert",
        description = {
            "Convert weights or a LoRA to other names, dtypes or quantizations.",
            "",
            "The ending of OUT is the format: .safetensors, .gguf, else a folder in diffusers' layout."
        })
@SuppressWarnings("NullAway.Init") // fields are set by picocli before a command runs
final class ConvertCommand implements Callable<Integer> {

    @Parameters(
            index = "0",
            paramLabel = "IN",
            description = "File, shard index, a part's folder, or a folder in Hugging Face layout.")
    private Path in;

    @Parameters(index = "1", paramLabel = "OUT", description = "File or folder to write; it appears when it is whole.")
    private Path out;

    @Option(
            names = "--to",
            paramLabel = "diffusers|bfl|comfyui|kohya|peft",
            converter = Names.class,
            description = {
                "Whose names to write; those of IN stay by default. comfyui makes one file of several parts.",
                "LoRAs: diffusers, comfyui, kohya or peft (a folder)."
            })
    private @Nullable Dialect to;

    @Option(
            names = "--quantize",
            paramLabel = "float8|float8_rows|q8_0|q5_1|q4_0",
            converter = Quantizations.class,
            description = {
                "Quantize the linear layers of blocks: float8 with one scale for each weight or each row,",
                "or blocks of a GGUF file."
            })
    private @Nullable Quantization quantize;

    @Option(
            names = "--dtype",
            paramLabel = "bfloat16|float16|float32",
            converter = FileDtype.class,
            description = "Of all tensors that are not quantized by --quantize; quantized ones are widened.")
    private @Nullable DType dtype;

    @Option(
            names = "--part",
            paramLabel = "transformer|vae|text_encoder",
            converter = Parts.class,
            description = "Convert this part alone of a file or folder with several.")
    private PartLayout.@Nullable Part part;

    @Option(names = "--overwrite", description = "Replace OUT, where it is a file.")
    private boolean overwrite;

    @Spec
    private CommandSpec command;

    @Override
    public Integer call() {
        if (Files.notExists(in)) {
            throw new InvalidFileException(in, "no such file or folder" + LocalPath.hint(in.toString()));
        }
        OutputCheck.requireNoInput("OUT", out, Map.of("IN", List.of(in)));
        OutputCheck.requireFolder(
                "OUT", out.toAbsolutePath().resolveSibling(".").normalize());
        PrintWriter terminal = command.commandLine().getOut();
        try (ProgressLine line = ProgressLine.on(command.commandLine().getErr())) {
            Conversion.Report report;
            try {
                report = Conversion.run(
                        in,
                        out,
                        new ModelTarget(to, quantize, dtype, part, overwrite),
                        (written, total) -> line.show("%s of %s".formatted(ByteText.of(written), ByteText.of(total))));
            } catch (StencilException | IOException e) {
                line.abandon();
                throw e;
            }
            line.end();
            report.warnings()
                    .forEach(warning -> command.commandLine().getErr().println("stencil: warning: " + warning));
            report.lines().forEach(terminal::println);
        } catch (IOException e) {
            throw new InvalidRequestException(
                    Location.of(out), "cannot be written: " + IoReason.of(e) + "; nothing is left of it", e);
        }
        return 0;
    }

    /// Names in options, which the enums have in capitals.
    private static <E extends Enum<E>> E parse(Class<E> type, String value) {
        for (E constant : type.getEnumConstants()) {
            if (constant.name().toLowerCase(Locale.ROOT).equals(value)) {
                return constant;
            }
        }
        throw new TypeConversionException("expected %s, found '%s'"
                .formatted(
                        Arrays.stream(type.getEnumConstants())
                                .map(constant -> constant.name().toLowerCase(Locale.ROOT))
                                .collect(Collectors.joining(", ")),
                        value));
    }

    static final class Names implements ITypeConverter<Dialect> {
        @Override
        public Dialect convert(String value) {
            return parse(Dialect.class, value);
        }
    }

    static final class Quantizations implements ITypeConverter<Quantization> {
        @Override
        public Quantization convert(String value) {
            return parse(Quantization.class, value);
        }
    }

    static final class Parts implements ITypeConverter<PartLayout.Part> {
        @Override
        public PartLayout.Part convert(String value) {
            return parse(PartLayout.Part.class, value);
        }
    }

    static final class FileDtype implements ITypeConverter<DType> {
        @Override
        public DType convert(String value) {
            return switch (value) {
                case "bfloat16" -> DType.BFLOAT16;
                case "float16" -> DType.FLOAT16;
                case "float32" -> DType.FLOAT32;
                default ->
                    throw new TypeConversionException(
                            "expected bfloat16, float16 or float32, found '%s'".formatted(value));
            };
        }
    }
}
