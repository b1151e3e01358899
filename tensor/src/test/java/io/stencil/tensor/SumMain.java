package io.stencil.tensor;

import org.bytedeco.pytorch.global.torch;

/// Loads libtorch and prints a sum that it computed.
final class SumMain {

    private SumMain() {}

    public static void main(String[] args) {
        try (Scope _ = new Scope()) {
            System.out.println("sum " + torch.ones(2, 3).sum().item_double());
        }
    }
}
