package io.stencil.lab.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.lab.evaluate.Measure.Effort;
import io.stencil.lab.world.Scene;
import io.stencil.lab.world.VariedSamples;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.Test;

class HeldOutTest {

    private static final Effort WHOLE = new Effort(777, 1);

    @Test
    void theCaptionsOfNoRowDifferFromAllOfTheDataset() {
        List<String> captions = HeldOut.captionsOfNoRow(200, 200).of(WHOLE).stream()
                .map(subject -> subject.content().caption())
                .toList();
        assertThat(captions).hasSize(200).doesNotHaveDuplicates();
        assertThat(captions)
                .doesNotContainAnyElementsOf(VariedSamples.captions(HeldOut.TRAINED_SEED, HeldOut.TRAINED_ROWS));
    }

    /// Else the test above would hold with any scenes.
    @Test
    void mostScenesHaveACaptionOfTheDataset() {
        var trained = VariedSamples.captions(HeldOut.TRAINED_SEED, HeldOut.TRAINED_ROWS);
        assertThat(HeldOut.scenes(200, 200, Scene::captioned).of(WHOLE))
                .filteredOn(subject -> trained.contains(subject.content().caption()))
                .hasSizeGreaterThan(100);
    }

    /// Those that the weights in the tree were trained on: with other draws, nothing would be known of them.
    @Test
    void theDatasetIsThatOfTheCommittedWeights() {
        assertThat(VariedSamples.captions(HeldOut.TRAINED_SEED, 4))
                .containsExactlyInAnyOrder(
                        "a blue square, teal background",
                        "a picture of a small blue circle at the top, brown background, bright light",
                        "a picture of a red ring, gray background, yellow light",
                        "a picture of a small green circle at the bottom, pink background, soft");
    }

    @Test
    void theRowsAreThoseOfTheScript() throws IOException {
        String script = Files.readString(TestFiles.root().resolve("scripts/train-tiny-klein"));
        assertThat(script).contains("count=${COUNT:-" + HeldOut.TRAINED_ROWS + "}");
        assertThat(script).contains("seed=${SEED:-" + HeldOut.TRAINED_SEED + "}");
    }
}
