package io.stencil.cli.demo;

import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.GeneratedImage;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.ProgressListener;
import io.stencil.template.TemplateInput;
import io.stencil.template.TemplateInputs;
import io.stencil.template.Warnings;
import io.stencil.template.load.TemplateSource;
import io.stencil.template.pipeline.TemplatePipeline;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// Makes the same pictures without the Template and with it at several scales.
record Showroom(DemoPlan plan, TemplateSource template) {

    static final List<Double> SCALES = List.of(0.1, 0.3, 0.5, 0.7, 0.9);
    static final int SEEDS = 4;
    static final int STEPS = 8;

    /// The first is without the Template, the others follow [#SCALES].
    ///
    /// @param base is closed
    List<Effect> effects(Flux2Pipeline base) {
        try (TemplatePipeline pipeline =
                new TemplatePipeline(base, List.of(template), TemplatePipeline.Loading.EAGER, Warnings.logged())) {
            List<GeneratedImage> plain = pictures(pipeline, List.of());
            List<Effect> effects = new ArrayList<>();
            effects.add(Effect.measure(null, plain, plain));
            for (double scale : SCALES) {
                List<TemplateInput> inputs = TemplateInputs.parse(String.format(Locale.ROOT, "{\"scale\": %s}", scale));
                effects.add(Effect.measure(scale, pictures(pipeline, inputs), plain));
            }
            return effects;
        }
    }

    private List<GeneratedImage> pictures(TemplatePipeline pipeline, List<TemplateInput> inputs) {
        List<GeneratedImage> pictures = new ArrayList<>();
        for (int i = 0; i < SEEDS; i++) {
            GenerationRequest request = GenerationRequest.of(PaintedDataset.PROMPT)
                    .size(DemoPlan.HEIGHT, DemoPlan.WIDTH)
                    .steps(STEPS)
                    .seed(plan.seed() + i)
                    .build();
            pictures.add(pipeline.generate(request, inputs, List.of(), ProgressListener.NONE));
        }
        return pictures;
    }
}
