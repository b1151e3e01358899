package io.stencil.train.step;

import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.pipeline.Conditioning;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.LoadedTemplate.PreparedInput;
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

/// What the frozen VAE and text encoder make of the next rows, worked out on a thread of its own while the transformer
/// trains on the present ones. A Template's `processInputs`, which may use what is trained, stays within the step.
public final class EncodingsAhead implements Encodings, AutoCloseable {

    /// Tensors that outlive the thread's scope.
    private record Encoded(String prompt, OwnedImages images, OwnedTensor promptEmbeds) {

        static Encoded of(String prompt, SampleEncodings encodings) {
            return new Encoded(
                    prompt,
                    OwnedImages.of(encodings.conditioning().images()),
                    new OwnedTensor(encodings.conditioning().promptEmbeds()));
        }

        void close() {
            images.close();
            promptEmbeds.close();
        }
    }

    private final Prefetch<Encoded> coming;
    private boolean asked = true;

    /// @param encoding of a row with its own prompt, in the scope of the thread that runs it
    public EncodingsAhead(Function<DatasetRow, SampleEncodings> encoding) {
        this.coming = new Prefetch<>(row -> encoded(row, encoding), Encoded::close, 1);
    }

    private static Encoded encoded(DatasetRow row, Function<DatasetRow, SampleEncodings> encoding) {
        Libtorch.prepareThread();
        try (Scope _ = new Scope()) {
            return Encoded.of(row.prompt(), encoding.apply(row));
        }
    }

    /// Whether another thread may use the models: not where their layers take weights out of memory after each use.
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

    /// Tells what will be asked for next; what was worked out for other rows is freed. Where none of the rows before
    /// was asked for, as with a Template that gives edit images of its own, nothing is worked out any more.
    public void expect(List<DatasetRow> rows) {
        coming.expect(asked ? rows : List.of());
        asked = false;
    }

    @Override
    public Conditioning.@Nullable Images images(@Nullable Object key) {
        if (!(key instanceof DatasetRow row)) {
            return null;
        }
        asked = true;
        return coming.get(row).images().get();
    }

    @Override
    public @Nullable Tensor promptEmbeds(@Nullable Object key, String prompt) {
        if (!(key instanceof DatasetRow row)) {
            return null;
        }
        Encoded encoded = coming.get(row);
        return prompt.equals(encoded.prompt()) ? encoded.promptEmbeds().get() : null;
    }

    @Override
    public void keep(@Nullable Object key, String prompt, Conditioning conditioning) {}

    @Override
    public @Nullable PreparedInput<?> prepared(@Nullable Object key, LoadedTemplate<?, ?> template) {
        return null;
    }

    @Override
    public void keepPrepared(@Nullable Object key, PreparedInput<?> input) {}

    @Override
    public void close() {
        coming.close();
    }
}
