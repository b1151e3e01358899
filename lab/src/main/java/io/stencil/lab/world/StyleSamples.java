package io.stencil.lab.world;

import io.stencil.image.ImageSize;
import java.util.List;

/// Pictures in one of three styles, for a bank of LoRAs: its number is the id, its strength the scale.
final class StyleSamples implements SampleMaker {

    @Override
    public Row make(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scenes.captioned(draws);
        int id = draws.below(StyleBank.STYLES.size());
        double strength = ToneRange.rounded(draws.unit());
        Canvas picture = StyleBank.STYLES.get(id).apply(Renderer.canvas(scene, size), strength);
        return Row.of(
                sample.add(TARGET, picture.toImage()),
                scene.caption(),
                new TemplateInputs.LoraBank(List.of(id), List.of(strength), StyleBank.MERGE));
    }
}
