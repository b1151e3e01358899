package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.safetensors.SafetensorsDtype;
import java.util.EnumSet;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DTypeTest {

    private static final Set<SafetensorsDtype> PACKED =
            EnumSet.of(SafetensorsDtype.F4, SafetensorsDtype.F6_E2M3, SafetensorsDtype.F6_E3M2);

    @ParameterizedTest
    @EnumSource
    void isWhatLibtorchMakesOfIt(DType dtype) {
        try (Scope _ = new Scope()) {
            Tensor tensor = Tensors.empty(dtype, Device.CPU, 2);
            assertThat(DType.of(tensor)).isEqualTo(dtype);
            assertThat(tensor.element_size()).isEqualTo(dtype.bytes());
            assertThat(tensor.is_floating_point()).isEqualTo(dtype.isFloatingPoint());
        }
    }

    @ParameterizedTest
    @EnumSource
    void filesCallItByOneName(DType dtype) {
        assertThat(DType.of(dtype.fileDtype())).contains(dtype);
        assertThat(dtype.fileDtype().bits()).isEqualTo(dtype.bytes() * Byte.SIZE);
    }

    @ParameterizedTest
    @EnumSource
    void everyDtypeOfFilesIsHereButThePackedOnes(SafetensorsDtype dtype) {
        if (PACKED.contains(dtype)) {
            assertThat(DType.of(dtype)).isEmpty();
        } else {
            assertThat(DType.of(dtype).orElseThrow().fileDtype()).isEqualTo(dtype);
        }
    }

    @Test
    void castingToTheOwnDtypeCopiesNothing() {
        try (Scope _ = new Scope()) {
            Tensor tensor = Tensors.of(new float[] {1.0039062f, 2}, 2);
            assertThat(DType.FLOAT32.cast(tensor).is_alias_of(tensor)).isTrue();
            assertThat(Tensors.toFloats(DType.BFLOAT16.cast(tensor))).containsExactly(1, 2);
        }
    }

    @Test
    void aDtypeOfLibtorchThatHasNoPlaceHereIsRefused() {
        try (Scope _ = new Scope()) {
            Tensor tensor = torch.zeros(new long[] {1}, new TensorOptions(ScalarType.ComplexDouble));
            assertThatThrownBy(() -> DType.of(tensor))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'dtype': a tensor of type ComplexDouble has no place here");
        }
    }
}
