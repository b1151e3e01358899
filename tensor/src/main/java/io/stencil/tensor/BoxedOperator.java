package io.stencil.tensor;

import java.util.List;
import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.GenericList;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorType;
import org.bytedeco.pytorch.Type;

/// An operator of libtorch that its Java API leaves out, found by name and called through the dispatcher.
///
/// @param name with its namespace: `aten::_fused_adamw_`
public record BoxedOperator(String name) {

    static {
        Libtorch.load();
    }

    /// The arguments of a call, in the order of the operator's schema. They belong to the caller's scope.
    public static final class Arguments {
        private final IValueVector stack = new IValueVector();

        public Arguments add(List<Tensor> tensors) {
            GenericList list = new GenericList(new Type.TypePtr(TensorType.get()));
            list.reserve(tensors.size());
            tensors.forEach(tensor -> list.push_back(new IValue(tensor)));
            stack.push_back(new IValue(list));
            return this;
        }

        public Arguments add(double value) {
            stack.push_back(new IValue(value));
            return this;
        }

        public Arguments add(boolean value) {
            stack.push_back(new IValue(value));
            return this;
        }

        /// An optional argument that is left out.
        public Arguments addNone() {
            stack.push_back(new IValue());
            return this;
        }
    }

    /// Calls an operator that changes its arguments in place and returns nothing.
    ///
    /// @throws RuntimeException when there is no such operator, or it does not take the arguments
    public void call(Arguments arguments) {
        try (Scope _ = new Scope()) {
            Dispatcher.singleton().findSchemaOrThrow(name, "").callBoxed(arguments.stack);
        }
    }
}
