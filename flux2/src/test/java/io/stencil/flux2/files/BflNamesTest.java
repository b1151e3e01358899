package io.stencil.flux2.files;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.flux2.files.BflNames.Layer;
import io.stencil.json.JsonFile;
import io.stencil.safetensors.KeyHash;
import io.stencil.safetensors.TensorLayout.Change;
import io.stencil.testing.TestFiles;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BflNamesTest {

    private static Map<String, long[]> manifest(String name) {
        Map<String, long[]> shapes = new LinkedHashMap<>();
        JsonNode root = JsonFile.read(TestFiles.manifest(name + ".transformer.json"));
        root.properties().forEach(entry -> {
            long[] shape = new long[entry.getValue().size()];
            Arrays.setAll(shape, i -> entry.getValue().get(i).longValue());
            shapes.put(entry.getKey(), shape);
        });
        return shapes;
    }

    /// The names and shapes of the published single files.
    @ParameterizedTest
    @CsvSource({
        "flux2-klein-4b, 149, bc177c1158b3302aa1614eee0101b1a7",
        "flux2-klein-9b, 201, af49868c902754d6d21f0d7bd232b0bb"
    })
    void fusesTheTensorsOfDiffusersIntoThoseOfThePublishedFile(String name, int count, String keyHash) {
        Map<String, long[]> bfl = new LinkedHashMap<>();
        manifest(name).forEach((tensor, shape) -> {
            Layer found = BflNames.bflTensor(tensor).orElseThrow();
            long[] whole = shape.clone();
            if (found.rows() instanceof Change.RowShare(int _, int parts)) {
                whole[0] *= parts;
            }
            bfl.put(found.name(), whole);
        });
        assertThat(bfl).hasSize(count);
        assertThat(KeyHash.ofShapes(bfl)).isEqualTo(keyHash);
    }

    @ParameterizedTest
    @CsvSource({"flux2-klein-4b", "flux2-dev"})
    void namesComeBack(String name) {
        Set<String> diffusers = manifest(name).keySet();
        Set<String> bfl = new HashSet<>();
        diffusers.forEach(
                tensor -> bfl.add(BflNames.bflTensor(tensor).orElseThrow().name()));
        Set<String> back = new HashSet<>();
        bfl.forEach(tensor -> BflNames.diffusersTensors(tensor).forEach(layer -> back.add(layer.name())));
        assertThat(back).isEqualTo(diffusers);
    }

    @Test
    void splitsAndSwapsRows() {
        assertThat(BflNames.diffusers("double_blocks.12.txt_attn.qkv"))
                .containsExactly(
                        new Layer("transformer_blocks.12.attn.add_q_proj", new Change.RowShare(0, 3)),
                        new Layer("transformer_blocks.12.attn.add_k_proj", new Change.RowShare(1, 3)),
                        new Layer("transformer_blocks.12.attn.add_v_proj", new Change.RowShare(2, 3)));
        assertThat(BflNames.bfl("norm_out.linear"))
                .contains(new Layer("final_layer.adaLN_modulation.1", Change.SWAPPED_HALVES));
        assertThat(BflNames.bfl("transformer_blocks.3.attn.to_k"))
                .contains(new Layer("double_blocks.3.img_attn.qkv", new Change.RowShare(1, 3)));
    }

    @Test
    void knowsNoOtherLayers() {
        assertThat(BflNames.diffusers("double_blocks.N.img_attn.qkv")).isEmpty();
        assertThat(BflNames.diffusers("double_blocks.0.img_mod.lin")).isEmpty();
        assertThat(BflNames.bfl("img_in")).isEmpty();
        assertThat(BflNames.diffusersTensors("img_in")).isEmpty();
    }
}
