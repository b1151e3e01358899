package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.stencil.error.InvalidStateException;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.junit.jupiter.api.Test;

class ScopeTest {

    private static Tensor two() {
        return Tensors.full(2, DType.FLOAT32, Device.CPU, 1);
    }

    @Test
    void freesWhatIsNotKept() {
        Tensor dropped;
        try (Scope _ = new Scope()) {
            dropped = two();
            assertThat(dropped.isNull()).isFalse();
        }
        assertThat(dropped.isNull()).isTrue();
    }

    @Test
    void whatIsKeptLivesInTheEnclosingScopeAndNotLonger() {
        Tensor kept;
        try (Scope _ = new Scope()) {
            try (Scope inner = new Scope()) {
                kept = inner.keep(two());
            }
            assertThat(Tensors.toFloats(kept)).containsExactly(2);
        }
        assertThat(kept.isNull()).isTrue();
    }

    @Test
    void passesThroughSeveralScopes() {
        try (Scope _ = new Scope()) {
            Tensor kept;
            try (Scope middle = new Scope()) {
                try (Scope inner = new Scope()) {
                    kept = inner.keep(two());
                }
                kept = middle.keep(kept);
            }
            assertThat(Tensors.toFloats(kept)).containsExactly(2);
        }
    }

    @Test
    void aTensorOfAnOuterScopeMayBeKept() {
        try (Scope _ = new Scope()) {
            Tensor outside = two();
            try (Scope inner = new Scope()) {
                assertThat(inner.keep(outside)).isSameAs(outside);
            }
            assertThat(Tensors.toFloats(outside)).containsExactly(2);
        }
    }

    @Test
    void anElementOfANativeListOutlivesItsList() {
        try (Scope _ = new Scope()) {
            Tensor kept;
            try (Scope inner = new Scope()) {
                TensorVector list = new TensorVector(two(), two());
                kept = inner.keep(list.get(1));
            }
            assertThat(Tensors.toFloats(kept)).containsExactly(2);
        }
    }

    @Test
    void nothingCanBeKeptWithoutAnEnclosingScope() {
        try (Scope scope = new Scope()) {
            Tensor tensor = two();
            assertThatThrownBy(() -> scope.keep(tensor))
                    .isInstanceOf(InvalidStateException.class)
                    .hasMessage("no enclosing scope: open one where the result is used");
        }
    }

    @Test
    void scopesOfAnotherThreadEncloseNothing() throws InterruptedException {
        Throwable[] thrown = {null};
        try (Scope _ = new Scope()) {
            Thread thread = new Thread(() -> {
                try (Scope scope = new Scope()) {
                    scope.keep(two());
                } catch (InvalidStateException e) {
                    thrown[0] = e;
                }
            });
            thread.start();
            thread.join();
        }
        assertThat(thrown[0]).isInstanceOf(InvalidStateException.class);
    }

    @Test
    void aFailureAtTheCloseIsThrownWhenAllIsFreed() {
        List<String> closed = new ArrayList<>();
        Scope scope = new Scope();
        Tensor before = two();
        Scope.onClose(() -> closed.add("first"));
        Scope.onClose(() -> {
            throw new IllegalStateException("one");
        });
        Scope.onClose(() -> {
            throw new IllegalStateException("two");
        });
        Scope.onClose(() -> closed.add("last"));
        Tensor after = two();
        new WeightValues.Plain(Tensors.zeros(DType.BFLOAT16, Device.CPU, 1, 1))
                .multiplyTransposed(Tensors.zeros(DType.FLOAT32, Device.CPU, 1, 1));
        assertThat(Scope.CastBuffer.isHeld()).isTrue();
        Throwable failure = catchThrowable(scope::close);
        assertThat(failure).isInstanceOf(IllegalStateException.class);
        assertThat(List.of(failure.getMessage(), failure.getSuppressed()[0].getMessage()))
                .containsExactlyInAnyOrder("one", "two");
        assertThat(closed).containsExactlyInAnyOrder("first", "last");
        assertThat(before.isNull()).isTrue();
        assertThat(after.isNull()).isTrue();
        assertThat(Scope.isOpen()).isFalse();
        assertThat(Scope.CastBuffer.isHeld()).isFalse();
        new Scope().close(); // which throws nothing any more
    }

    @Test
    void aScopeIsClosedOnItsThread() throws InterruptedException {
        Throwable[] thrown = {null};
        try (Scope scope = new Scope()) {
            Tensor tensor = two();
            AutoCloseable foreign = scope;
            Thread thread = new Thread(() -> thrown[0] = catchThrowable(foreign::close), "guest");
            thread.start();
            thread.join();
            assertThat(Tensors.toFloats(tensor)).containsExactly(2);
        }
        assertThat(thrown[0])
                .isInstanceOf(InvalidStateException.class)
                .hasMessage("a scope was opened on thread '%s' and is closed on 'guest'; close it where it was opened"
                        .formatted(Thread.currentThread().getName()));
    }
}
