package io.stencil.train.encodings;

import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.pipeline.Conditioning;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.tensor.Libtorch;
import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.Prefetch;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Encodes upcoming rows by the frozen VAE and text encoder on a background thread, while the transformer trains on the
/// present ones. A Template's `processInputs`, which may use what is trained, stays within the step.
public final class EncodingsAhead implements Encodings, AutoCloseable {

    /// Encodings that outlive the thread's scope.
    private record Upcoming(String prompt, Encoded encoded, List<OwnedTensor> tensors) {

        static Upcoming of(String prompt, Encoded encoded) {
            List<OwnedTensor> tensors = new ArrayList<>();
            return new Upcoming(
                    prompt,
                    encoded.map(tensor -> {
                        tensors.add(new OwnedTensor(tensor));
                        return tensors.getLast().get();
                    }),
                    tensors);
        }

        void close() {
            tensors.forEach(OwnedTensor::close);
        }
    }

    private final Prefetch<Upcoming> upcoming;
    private boolean used = true;

    /// @param encoding of a row with its own prompt, in the scope of the thread that runs it
    public EncodingsAhead(Function<DatasetRow, Encoded> encoding) {
        this.upcoming = new Prefetch<>(row -> encode(row, encoding), Upcoming::close, 1);
    }

    private static Upcoming encode(DatasetRow row, Function<DatasetRow, Encoded> encoding) {
        Libtorch.prepareThread();
        try (Scope _ = new Scope()) {
            return Upcoming.of(row.prompt(), encoding.apply(row));
        }
    }

    /// Whether another thread may use the models: not where their layers evict weights from memory after each use.
    public static boolean isSafeWith(ModelSet models) {
        List<Module> frozen = new ArrayList<>();
        if (models.vae() != null) {
            frozen.add(models.vae());
        }
        if (models.textEncoder() != null) {
            frozen.add(models.textEncoder().encoder());
        }
        return frozen.stream().flatMap(model -> model.state().values().stream()).noneMatch(Parameter::isOffloaded);
    }

    /// Announces upcoming rows; the encodings of others are freed. Where none of the rows before was used, as with a
    /// Template that gives edit images of its own, no more rows are encoded.
    public void expect(List<DatasetRow> rows) {
        upcoming.expect(used ? rows : List.of());
        used = false;
    }

    @Override
    public Conditioning.@Nullable Images images(@Nullable DatasetRow row) {
        if (row == null) {
            return null;
        }
        used = true;
        return upcoming.get(row).encoded().conditioning().images();
    }

    @Override
    public @Nullable Tensor mask(@Nullable DatasetRow row) {
        return row == null ? null : upcoming.get(row).encoded().mask();
    }

    @Override
    public @Nullable Tensor promptEmbeds(@Nullable DatasetRow row, String prompt) {
        if (row == null) {
            return null;
        }
        Upcoming known = upcoming.get(row);
        return prompt.equals(known.prompt()) ? known.encoded().conditioning().promptEmbeds() : null;
    }

    @Override
    public void close() {
        upcoming.close();
    }
}
