package io.stencil.cli;

import io.stencil.pipeline.GenerationRequest;
import io.stencil.template.TemplateInput;
import io.stencil.template.TemplateInputs;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Options of the images that show a Template at work.
@SuppressWarnings("NullAway.Init") // fields are set by picocli before a command runs
final class SampleOptions {

    @Option(
            names = "--template_inputs",
            paramLabel = "JSON",
            required = true,
            description = "Inputs of the Template: one object, or a list of them for several images.")
    private String inputs;

    @Option(names = "--prompt", paramLabel = "TEXT", description = "Default: ${DEFAULT-VALUE}.")
    private String prompt = "a photo of a landscape";

    @Option(names = "--cfg_scale", paramLabel = "N", description = "Guidance. Default: ${DEFAULT-VALUE}, none.")
    private double cfgScale = 1;

    @Option(names = "--height", paramLabel = "PIXELS", description = "Default: ${DEFAULT-VALUE}.")
    private int height = 512;

    @Option(names = "--width", paramLabel = "PIXELS", description = "Default: ${DEFAULT-VALUE}.")
    private int width = 512;

    @Option(
            names = "--num_inference_steps",
            paramLabel = "N",
            description = "Default: 30 for 'stencil package', 8 for 'stencil verify'.")
    private @Nullable Integer steps;

    @Option(names = "--seed", paramLabel = "N", description = "Of the noise. Default: ${DEFAULT-VALUE}.")
    private long seed;

    /// @throws io.stencil.error.InvalidRequestException when it is no JSON of inputs
    List<TemplateInput> inputs() {
        return TemplateInputs.parse("template_inputs", inputs, Path.of(""));
    }

    /// @param defaultSteps number of denoising steps where none is given
    /// @throws io.stencil.error.InvalidRequestException when a value cannot be used
    GenerationRequest request(int defaultSteps) {
        return GenerationRequest.of(prompt)
                .cfgScale(cfgScale)
                .size(height, width)
                .steps(steps == null ? defaultSteps : steps)
                .seed(seed)
                .build();
    }
}
