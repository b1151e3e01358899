package io.stencil.train.step;

import io.stencil.flux2.text.PromptLength;
import io.stencil.flux2.text.PromptLength.CutPrompts;
import io.stencil.flux2.text.TextEncoder;
import io.stencil.pipeline.EditImages;
import io.stencil.template.PipelineSetting;
import io.stencil.template.Warnings;
import io.stencil.train.data.DatasetRow;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Applies those settings of a Template that concern one pass of the transformer, and reports what of a sample has no
/// effect.
final class ForwardSettings {

    private static final double TRAINING_GUIDANCE = 1;
    private static final String CAPTION = "caption";
    private static final String TEMPLATE_INPUTS = "template_inputs";

    /// Characters of a caption in a warning.
    private static final int SHOWN = 60;

    /// @param editImages reference images of the transformer, or null for none
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

    /// Reports the first caption that is cut, with one warning for the whole training.
    void caption(String caption, TextEncoder encoder) {
        if (warned.contains(CAPTION)) {
            return;
        }
        PromptLength length = encoder.length(caption);
        if (length.isCut()) {
            warned.add(CAPTION);
            warnings.warn(
                    "captions are cut: '%s' has %s tokens with its chat template, the text encoder reads the first %s; the rest has no effect"
                            .formatted(beginning(caption), length.tokens(), length.limit()));
        }
    }

    /// Runs a stage of the Template on a sample and reports the first prompt in its inputs that is cut, with one
    /// warning for the whole training.
    ///
    /// @param row of the sample, or null when it is of no dataset
    <T> T reportingCuts(@Nullable DatasetRow row, Supplier<T> stage) {
        if (warned.contains(TEMPLATE_INPUTS)) { // recording tokenises every prompt once more
            return stage.get();
        }
        List<PromptLength> cut = new ArrayList<>();
        T result = CutPrompts.record(cut, stage);
        if (!cut.isEmpty()) {
            warned.add(TEMPLATE_INPUTS);
            String place = row == null ? "" : " of " + row.location();
            warnings.warn(cut.getFirst().warning("a prompt in template_inputs" + place));
        }
        return result;
    }

    private static String beginning(String caption) {
        int shown = Math.min(SHOWN, caption.codePointCount(0, caption.length()));
        String begin = caption.substring(0, caption.offsetByCodePoints(0, shown));
        return begin.length() == caption.length() ? caption : begin + "...";
    }

    private Values leftOut(PipelineSetting setting, Values values) {
        if (warned.add(setting.parameter())) {
            warnings.warn("the Template sets %s, which has no part in training".formatted(setting.parameter()));
        }
        return values;
    }
}
