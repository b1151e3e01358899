package io.stencil.flux2.text;

import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Tensors;
import org.bytedeco.pytorch.Tensor;

/// Which keys each query sees: those that are not later than it and are not padding.
final class VisibleKeys {

    private VisibleKeys() {}

    /// A query before the first token that is no padding would see nothing, and its softmax would be NaN: it sees
    /// itself. Padding on the right never gives such a query.
    ///
    /// @param attentionMask `[B, S]`, any dtype: not 0 where there is a token, 0 where there is padding
    /// @return bool `[B, 1, S, S]` on `device`, queries before keys
    static Tensor of(Tensor attentionMask, Device device) {
        int batch = (int) attentionMask.size(0);
        int tokens = (int) attentionMask.size(1);
        long[] mask = Tensors.toLongs(attentionMask);
        byte[] visible = new byte[batch * tokens * tokens];
        for (int row = 0; row < batch * tokens; row++) {
            int query = row % tokens;
            int firstKey = row - query;
            boolean none = true;
            for (int key = 0; key <= query; key++) {
                if (mask[firstKey + key] != 0) {
                    visible[row * tokens + key] = 1;
                    none = false;
                }
            }
            if (none) {
                visible[row * tokens + query] = 1;
            }
        }
        return device.place(DType.BOOL.cast(Tensors.ofBytes(visible, batch, 1, tokens, tokens)));
    }
}
