import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.nn.Lora;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.ForwardContext;
import io.stencil.template.InputField;
import io.stencil.template.Template;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import io.stencil.template.lora.LowRankUpdates;
import java.util.ArrayList;
import java.util.List;

/**
 * A bank of styles, each a LoRA: {"lora_ids": [0, 2], "lora_scales": [0.8, 0.5], "merge_type": "concat"}.
 * Style 0 is vivid, 1 darkens the corners, 2 is dusk.
 */
public final class Model implements Template<Model.Input, Model.Input> {

    private static final int COUNT = 3;

    public record Input(
            @InputField(min = 0, max = COUNT - 1, description = "styles") List<Integer> loraIds,
            @InputField(min = 0, max = 1, description = "strength of each") List<Double> loraScales,
            Merge mergeType) {}

    /** How the updates of several styles are joined: added up, or averaged. */
    public enum Merge {
        concat,
        mean
    }

    @Override
    public TemplateModel<Input, Input> model(TransformerConfig base) {
        return new Styles(base);
    }

    /** Random until it is trained; then put the checkpoint here as model.safetensors. */
    @Override
    public Weights weights() {
        return Weights.fileOrRandom("model.safetensors", 0);
    }

    private static final class Styles extends TemplateModel<Input, Input> {
        private static final int RANK = 4;

        private final List<LowRankUpdates> bank = new ArrayList<>();

        Styles(TransformerConfig base) {
            for (int i = 0; i < COUNT; i++) {
                bank.add(module("style_" + i, new LowRankUpdates(base, RANK)));
            }
        }

        @Override
        public Input processInputs(Input inputs, Flux2Pipeline pipeline) {
            if (inputs.loraIds().size() != inputs.loraScales().size() || inputs.loraIds().isEmpty()) {
                throw new InvalidRequestException("lora_scales", "there must be one for each of lora_ids, and one at least");
            }
            return inputs;
        }

        @Override
        public TemplateCache forward(Input inputs, ForwardContext context) {
            double share = inputs.mergeType() == Merge.mean ? 1.0 / inputs.loraIds().size() : 1;
            List<Lora> chosen = new ArrayList<>();
            for (int i = 0; i < inputs.loraIds().size(); i++) {
                chosen.add(bank.get(inputs.loraIds().get(i)).forward(share * inputs.loraScales().get(i)));
            }
            return TemplateCache.of(Lora.merge(chosen));
        }
    }
}
