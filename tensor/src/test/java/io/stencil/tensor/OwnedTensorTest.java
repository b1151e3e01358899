package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidStateException;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.junit.jupiter.api.Test;

class OwnedTensorTest {

    private static OwnedTensor made(double value) {
        try (Scope _ = new Scope()) {
            return new OwnedTensor(Tensors.full(value, DType.FLOAT32, Device.CPU, 1));
        }
    }

    @Test
    void outlivesTheScopeItWasMadeIn() {
        try (OwnedTensor owned = made(3)) {
            assertThat(Tensors.toFloats(owned.get())).containsExactly(3);
        }
    }

    @Test
    void closingFreesIt() {
        OwnedTensor owned = made(3);
        Tensor tensor = owned.get();
        owned.close();
        assertThat(tensor.isNull()).isTrue();
        assertThatThrownBy(owned::get).isInstanceOf(InvalidStateException.class).hasMessage("the tensor was freed");
        owned.close();
    }

    @Test
    void anotherTensorTakesThePlace() {
        try (OwnedTensor owned = made(3)) {
            Tensor first = owned.get();
            try (Scope _ = new Scope()) {
                owned.set(Ops.add(first, 1));
            }
            assertThat(first.isNull()).isTrue();
            assertThat(Tensors.toFloats(owned.get())).containsExactly(4);
        }
    }

    @Test
    void theSameTensorMayTakeItsOwnPlace() {
        try (OwnedTensor owned = made(3)) {
            owned.set(owned.get());
            assertThat(Tensors.toFloats(owned.get())).containsExactly(3);
        }
    }

    @Test
    void twoOwnersShareOneTensor() {
        OwnedTensor first = made(3);
        try (OwnedTensor second = new OwnedTensor(first.get())) {
            first.close();
            assertThat(Tensors.toFloats(second.get())).containsExactly(3);
        }
    }

    @Test
    void ownsAnElementOfANativeListBeyondTheList() {
        OwnedTensor owned;
        try (Scope _ = new Scope()) {
            owned = new OwnedTensor(new TensorVector(Tensors.full(5, DType.FLOAT32, Device.CPU, 1)).get(0));
        }
        try (owned) {
            assertThat(Tensors.toFloats(owned.get())).containsExactly(5);
        }
    }
}
