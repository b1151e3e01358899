package io.stencil.flux2.text;

import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.Tensors;
import java.util.List;
import java.util.stream.LongStream;
import org.bytedeco.pytorch.Tensor;

/// The token ids of one prompt, padded on the right.
///
/// @param ids all ids, those of the padding too
/// @param length number of ids before the padding
public record PromptTokens(List<Long> ids, int length) {

    public PromptTokens {
        ids = List.copyOf(ids);
        if (length < 0 || length > ids.size()) {
            throw new InvalidRequestException("length", "%s of %s ids cannot be tokens".formatted(length, ids.size()));
        }
    }

    /// 1 for each token, 0 for each padding.
    public List<Long> mask() {
        return LongStream.range(0, ids.size())
                .map(i -> i < length ? 1 : 0)
                .boxed()
                .toList();
    }

    /// The ids of prompts of one length as int64 `[B, S]` on the CPU.
    static Tensor idTensor(List<PromptTokens> prompts) {
        return tensor(prompts.stream().map(PromptTokens::ids).toList());
    }

    /// The masks of prompts of one length as int64 `[B, S]` on the CPU.
    static Tensor maskTensor(List<PromptTokens> prompts) {
        return tensor(prompts.stream().map(PromptTokens::mask).toList());
    }

    private static Tensor tensor(List<List<Long>> rows) {
        long[] values =
                rows.stream().flatMap(List::stream).mapToLong(Long::longValue).toArray();
        return Tensors.of(values, rows.size(), rows.getFirst().size());
    }
}
