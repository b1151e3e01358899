package io.stencil.flux2.files;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.flux2.vae.AutoencoderKlFlux2;
import io.stencil.flux2.vae.VaeConfig;
import io.stencil.safetensors.SafetensorsDtype;
import io.stencil.safetensors.TensorEntry;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class KnownCheckpointTest {

    private static TensorEntry tensor(String name, long... shape) {
        return new TensorEntry(
                name, SafetensorsDtype.F32, LongStream.of(shape).boxed().toList(), 0, 0);
    }

    private static List<TensorEntry> vae() {
        List<TensorEntry> tensors = new ArrayList<>();
        try (AutoencoderKlFlux2 vae = new AutoencoderKlFlux2(VaeConfig.flux2())) {
            vae.state().forEach((name, parameter) -> tensors.add(tensor(name, parameter.shape())));
        }
        return tensors;
    }

    @Test
    void aVaeIsKnownWithAndWithoutItsCounterAndBesideTensorsThatNothingReads() {
        List<TensorEntry> tensors = vae();
        assertThat(KnownCheckpoint.of(tensors)).contains(KnownCheckpoint.VAE);

        tensors.removeIf(tensor -> tensor.name().equals("bn.num_batches_tracked"));
        assertThat(KnownCheckpoint.of(tensors)).contains(KnownCheckpoint.VAE);

        tensors.add(tensor("scaled_fp8", 0));
        tensors.add(tensor("x.position_ids", 1, 77));
        assertThat(KnownCheckpoint.of(tensors)).contains(KnownCheckpoint.VAE);
    }

    @Test
    void anyOtherTensorMakesItUnknown() {
        List<TensorEntry> tensors = vae();
        tensors.add(tensor("decoder.more", 1));
        assertThat(KnownCheckpoint.of(tensors)).isEmpty();
    }
}
