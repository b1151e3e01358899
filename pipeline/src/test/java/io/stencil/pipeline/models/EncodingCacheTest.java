package io.stencil.pipeline.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.files.LoraFile;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.testing.ShortPrompts;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What is kept from request to request: bounded, and the same bits.
class EncodingCacheTest {

    private static final EncodingCache.Kind<Tensor> TENSORS =
            new EncodingCache.Kind<>((tensor, copy) -> copy.apply(tensor), _ -> 0);
    private static final LoadOptions OPTIONS = new LoadOptions(DType.FLOAT32, Device.CPU);
    private static final GenerationRequest REQUEST =
            GenerationRequest.of("a wall").size(32, 32).steps(1).cfgScale(2).build();

    @TempDir
    private Path folder;

    private static Tensor kilobyte(double value) {
        return Tensors.full(value, DType.FLOAT32, Device.CPU, 256);
    }

    @Test
    void theLeastRecentlyUsedGoFirst() {
        try (EncodingCache cache = new EncodingCache(3 << 10)) {
            try (Scope _ = new Scope()) {
                cache.put(TENSORS, "a", kilobyte(1));
                cache.put(TENSORS, "b", kilobyte(2));
                cache.put(TENSORS, "c", kilobyte(3));
                assertThat(cache.bytes()).isEqualTo(3 << 10);
                assertThat(cache.find(TENSORS, "a")).isPresent();
                cache.put(TENSORS, "d", kilobyte(4));
            }
            assertThat(cache.bytes()).isEqualTo(3 << 10);
            try (Scope _ = new Scope()) {
                assertThat(cache.find(TENSORS, "b")).isEmpty();
                assertThat(value(cache, "a")).contains(1.0);
                assertThat(value(cache, "c")).contains(3.0);
                assertThat(value(cache, "d")).contains(4.0);
            }
        }
    }

    private static Optional<Double> value(EncodingCache cache, String key) {
        return cache.find(TENSORS, key).map(tensor -> Tensors.toDouble(tensor.narrow(0, 0, 1)));
    }

    /// A view holds the memory of the whole tensor, and its copy that of its elements.
    @Test
    void aViewIsKeptAsACopyOfItsElements() {
        try (EncodingCache cache = new EncodingCache(2 << 10);
                Scope _ = new Scope()) {
            Tensor large = Tensors.full(1, DType.FLOAT32, Device.CPU, 1024);
            cache.put(TENSORS, "part", large.narrow(0, 0, 256));
            large.zero_();
            assertThat(cache.bytes()).isEqualTo(1 << 10);
            assertThat(value(cache, "part")).contains(1.0);
        }
    }

    @Test
    void whatWasFoundStaysWhenItIsEvicted() {
        EncodingCache cache = new EncodingCache(1 << 10);
        try (Scope _ = new Scope()) {
            cache.put(TENSORS, "a", kilobyte(1));
            Tensor found = cache.find(TENSORS, "a").orElseThrow();
            cache.put(TENSORS, "b", kilobyte(2));
            assertThat(cache.find(TENSORS, "a")).isEmpty();
            cache.close();
            assertThat(Tensors.toFloats(found)).containsOnly(1);
            assertThat(cache.put(TENSORS, "c", found)).isSameAs(found);
            assertThat(cache.bytes()).isZero();
        }
    }

    @Test
    void whatIsLargerThanTheBoundIsNotKept() {
        try (EncodingCache cache = new EncodingCache(1023);
                Scope _ = new Scope()) {
            Tensor tensor = kilobyte(1);
            assertThat(cache.put(TENSORS, "a", tensor)).isSameAs(tensor);
            assertThat(cache.find(TENSORS, "a")).isEmpty();
        }
        assertThatThrownBy(() -> OPTIONS.withCache(-1))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'cache_bytes': must be 0 or more, found -1");
    }

    @Test
    void promptsOfEarlierRequestsGiveTheSameImage() {
        byte[] expected;
        try (Flux2Pipeline plain = Flux2Pipeline.load(ModelFiles.in(ShortPrompts.model()), OPTIONS)) {
            expected = plain.generate(REQUEST).image().rgb();
            assertThat(plain.models().cache().bytes()).isZero();
        }
        try (Flux2Pipeline caching =
                Flux2Pipeline.load(ModelFiles.in(ShortPrompts.model()), OPTIONS.withCache(1 << 20))) {
            assertThat(caching.generate(REQUEST).image().rgb()).isEqualTo(expected);
            long prompts = caching.models().cache().bytes();
            assertThat(prompts).isEqualTo(2L * 32 * 192 * 4); // both sides: tokens, channels, float32
            try (Scope _ = new Scope()) {
                caching.models().encodePrompt("a wall").zero_(); // a copy, which may be written to
            }
            assertThat(caching.generate(REQUEST).image().rgb()).isEqualTo(expected);
            assertThat(caching.models().cache().bytes()).isEqualTo(prompts);
        }
    }

    /// What is in the file after the first request would be refused.
    @Test
    void aLoraIsReadOnceUntilItsFileChanges() throws IOException {
        byte[] content = Files.readAllBytes(TestFiles.golden("formats/lora/dora_kohya.safetensors"));
        Path file = Files.write(folder.resolve("lora.safetensors"), content);
        FileTime modified = Files.getLastModifiedTime(file);
        GenerationRequest request = REQUEST.toBuilder().lora(file, 0.5).build();
        try (Flux2Pipeline pipeline =
                Flux2Pipeline.load(ModelFiles.in(ShortPrompts.model()), OPTIONS.withCache(64 << 20))) {
            byte[] expected = pipeline.generate(request).image().rgb();
            assertThat(expected).isNotEqualTo(pipeline.generate(REQUEST).image().rgb());
            Files.write(file, new byte[content.length]);
            Files.setLastModifiedTime(file, modified);
            assertThat(pipeline.generate(request).image().rgb()).isEqualTo(expected);
            Files.setLastModifiedTime(file, FileTime.fromMillis(modified.toMillis() + 1000));
            assertThatThrownBy(() -> pipeline.generate(request)).hasMessageContaining(file.toString());
            Files.write(file, content);
            assertThat(pipeline.generate(request).image().rgb()).isEqualTo(expected);
        }
    }

    /// A DoRA's norms are those of the weights, which fusing changes.
    @Test
    void fusingClearsWhatDependsOnTheWeights() {
        Path dora = TestFiles.golden("formats/lora/dora_peft.safetensors");
        Path fused = TestFiles.golden("formats/lora/diffusers.safetensors");
        GenerationRequest request = REQUEST.toBuilder().lora(dora, 1).build();
        byte[] expected;
        try (Flux2Pipeline plain = Flux2Pipeline.load(ModelFiles.in(ShortPrompts.model()), OPTIONS)) {
            plain.fuseLora(fused, 1);
            expected = plain.generate(request).image().rgb();
        }
        try (Flux2Pipeline caching =
                Flux2Pipeline.load(ModelFiles.in(ShortPrompts.model()), OPTIONS.withCache(64 << 20))) {
            caching.generate(request);
            caching.fuseLora(fused, 1);
            assertThat(caching.generate(request).image().rgb()).isEqualTo(expected);
        }
    }

    @Test
    void stampsOfAFileThatIsNotThereAreAbsent() {
        assertThat(LoraFile.stamps(folder.resolve("absent.safetensors"))).isEmpty();
    }
}
