package io.stencil.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.InvalidStateException;
import io.stencil.nn.StoredWeight.WeightFile;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ParameterTest {

    private static Parameter of(float... values) {
        Parameter parameter = new Parameter(Initializer.ONES, false, DType.FLOAT32, values.length);
        try (Scope _ = new Scope()) {
            parameter.set(Tensors.of(values, values.length));
        }
        return parameter;
    }

    @Test
    void gradientsAddUpUntilCleared() {
        try (Scope _ = new Scope();
                Parameter parameter = of(1, 2)) {
            assertThat(parameter.gradient()).isNull();
            parameter.setTrainable(true);
            parameter.get().square().sum().backward();
            parameter.get().square().sum().backward();
            assertThat(Tensors.toFloats(Objects.requireNonNull(parameter.gradient())))
                    .containsExactly(4, 8);
            parameter.clearGradient();
            assertThat(parameter.gradient()).isNull();
            parameter.clearGradient();
            parameter.get().sum().backward();
            assertThat(Tensors.toFloats(Objects.requireNonNull(parameter.gradient())))
                    .containsExactly(1, 1);
        }
    }

    @Test
    void aBufferCannotBeTrained() {
        try (Scope _ = new Scope();
                Parameter buffer = new Parameter(Initializer.ZEROS, true, DType.INT64)) {
            assertThat(buffer.isBuffer()).isTrue();
            assertThatThrownBy(() -> buffer.setTrainable(true))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'parts': a buffer cannot be trained");
        }
    }

    private static SafetensorsFile fileOfThree(Path path) throws IOException {
        try (Scope _ = new Scope()) {
            TensorFiles.write(path, Map.of("one", Tensors.full(3, DType.FLOAT32, Device.CPU, 1)), Map.of());
        }
        return SafetensorsFile.open(path);
    }

    @Test
    void anEvictedTensorIsFreedWithTheScopeThatReadIt(@TempDir Path folder) throws IOException {
        try (WeightFile file = new WeightFile(fileOfThree(folder.resolve("one.safetensors")));
                Parameter parameter = new Parameter(Initializer.ONES, false, DType.FLOAT32, 1)) {
            parameter.store(
                    new WeightStorage.Offloaded(new StoredWeight(file, "one", DType.FLOAT32, Device.CPU, true)));
            Tensor read;
            try (Scope _ = new Scope()) {
                read = parameter.get();
                parameter.evict();
                assertThat(parameter.isInMemory()).isFalse();
                assertThat(Tensors.toFloats(read)).containsExactly(3);
            }
            assertThat(read.isNull()).isTrue();
            Tensor values = parameter.values().tensors().getFirst();
            parameter.evict();
            assertThat(values.isNull()).isTrue();
        }
    }

    @Test
    void aClosedPlaceReadsNothing(@TempDir Path folder) throws IOException {
        try (WeightFile file = new WeightFile(fileOfThree(folder.resolve("one.safetensors")))) {
            StoredWeight stored = new StoredWeight(file, "one", DType.FLOAT32, Device.CPU, true);
            for (WeightStorage place : List.of(new WeightStorage.OnDisk(stored), new WeightStorage.Offloaded(stored))) {
                assertThat(Tensors.toFloats(place.content().tensor())).containsExactly(3);
                place.close();
                assertThat(place.isInMemory()).isFalse();
                assertThatThrownBy(place::content)
                        .isInstanceOf(InvalidStateException.class)
                        .hasMessageStartingWith("the parameter was freed");
            }
        }
    }

    @Test
    void aClosedFileIsNotLeased(@TempDir Path folder) throws IOException {
        WeightFile file = new WeightFile(fileOfThree(folder.resolve("one.safetensors")));
        try (Scope _ = new Scope()) {
            file.lease();
            file.close();
            file.lease(); // as the first lease keeps it
        }
        try (Scope _ = new Scope()) {
            assertThatThrownBy(file::lease)
                    .isInstanceOf(InvalidStateException.class)
                    .hasMessage("the file of the weights was closed; load the model again");
        }
    }

    @Test
    void mappedContentIsCopiedBeforeItIsTrained(@TempDir Path folder) throws IOException {
        Path path = folder.resolve("one.safetensors");
        try (Scope _ = new Scope()) {
            TensorFiles.write(path, Map.of("one", Tensors.full(3, DType.FLOAT32, Device.CPU, 1)), Map.of());
        }
        try (WeightFile weights = new WeightFile(SafetensorsFile.open(path));
                Scope _ = new Scope();
                Parameter parameter = new Parameter(Initializer.ONES, false, DType.FLOAT32, 1)) {
            WeightStorage.Resident content = new StoredWeight(weights, "one", DType.FLOAT32, Device.CPU, true).read();
            parameter.store(content);
            Tensor file = content.tensor();
            assertThat(content).isInstanceOf(WeightStorage.MappedFile.class);
            assertThat(parameter.get().is_alias_of(file)).isTrue();
            parameter.setTrainable(false);
            assertThat(parameter.get().is_alias_of(file)).isTrue();
            parameter.setTrainable(true);
            assertThat(parameter.get().is_alias_of(file)).isFalse();
            assertThat(Tensors.toFloats(parameter.get())).containsExactly(3);
            Tensor own = parameter.get();
            parameter.setTrainable(true);
            assertThat(parameter.get()).isSameAs(own);
        }
    }
}
