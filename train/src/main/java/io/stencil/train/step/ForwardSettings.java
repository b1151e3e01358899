package io.stencil.train.step;

import io.stencil.pipeline.stage.EditImages;
import io.stencil.template.PipelineSetting;
import io.stencil.template.Warnings;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The settings of a generation that a Template makes, as far as one pass of the transformer knows them.
final class ForwardSettings {

    private static final double TRAINING_GUIDANCE = 1;

    /// @param editImages pictures that the transformer looks at, or null for none
    record Values(@Nullable EditImages editImages, double embeddedGuidance) {}

    private final Warnings warnings;
    private final Set<String> warned = new HashSet<>();

    ForwardSettings(Warnings warnings) {
        this.warnings = warnings;
    }

    /// The Template's values over those of the dataset's row.
    ///
    /// A setting that only a generation has is left out, with one warning for the whole training.
    Values of(List<PipelineSetting> settings, @Nullable EditImages editImages) {
        Values values = new Values(editImages, TRAINING_GUIDANCE);
        for (PipelineSetting setting : settings) {
            values = switch (setting) {
                case PipelineSetting.References(EditImages images) -> new Values(images, values.embeddedGuidance());
                case PipelineSetting.EmbeddedGuidance(double guidance) -> new Values(values.editImages(), guidance);
                case PipelineSetting.InputImage _,
                        PipelineSetting.InpaintMask _,
                        PipelineSetting.InpaintOverlay _,
                        PipelineSetting.DenoisingStrength _ -> leftOut(setting, values);
            };
        }
        return values;
    }

    private Values leftOut(PipelineSetting setting, Values values) {
        if (warned.add(setting.parameter())) {
            warnings.warn("the Template sets %s, which has no part in training".formatted(setting.parameter()));
        }
        return values;
    }
}
